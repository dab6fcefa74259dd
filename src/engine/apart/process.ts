import { type ChildProcess, fork } from 'node:child_process'
import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../base/error.js'
import { openToAppend } from '../../base/files/atomic.js'
import { STOP_SIGNALS } from '../../cli/interrupt.js'
import type { Failure, Said } from './child.js'

export interface ProcessOptions {
  /** The file that the process's own messages are added to; without it a failure has the last of them. */
  log?: string
  /** Called often; true asks the process to save and end. */
  interrupted: () => boolean
  /** Called with the progress of its work. */
  onSaid: (said: Exclude<Said, { kind: 'answer' }>) => void
  /** Whether it has something to save when it is asked to stop; if not, it is ended at once. */
  saves: boolean
}

/** Characters of a process's own messages that a failure has. */
const SHOWN = 2000

/** Milliseconds between two requests to stop. */
const ASKED_EVERY = 100

/**
 * Does a job in a process of its own, with its own engine, threads and memory. A process that ends without an answer
 * has failed.
 * @param module of the process, which answers with `answerJob`
 */
export async function runApart<Answer>(
  module: URL,
  job: { threads?: number },
  { log, interrupted, onSaid, saves }: ProcessOptions,
): Promise<Answer | 'interrupted' | Failure> {
  const child = start(module, job, log)
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SHOWN)
  })
  let answer: Answer | undefined
  child.on('message', (message: Said) => {
    if (message.kind === 'answer') answer = message.answer as Answer
    else onSaid(message)
  })
  let asked = false
  const asking = setInterval(() => {
    if (asked || !interrupted()) return
    asked = true
    if (!saves) child.kill('SIGKILL')
    else if (child.connected) child.send('stop')
  }, ASKED_EVERY)
  if (running.size === 0) process.on('exit', killAll) // the second Ctrl-C ends all at once
  running.add(child)
  try {
    const [code, signal] = await ended(child)
    if (answer !== undefined) return answer
    // Ctrl-C reaches the child too, even before it listens.
    const stopped = (asked || interrupted()) && (!saves || isStop(signal))
    return stopped ? 'interrupted' : withoutAnswer(code, signal, log ? ` Its log: ${log}.` : said && `\n${said.trim()}`)
  } catch (error) {
    return { failure: `The process could not be started: ${(error as Error).message}.` } // the other cells go on
  } finally {
    clearInterval(asking)
    running.delete(child)
    if (running.size === 0) process.off('exit', killAll)
  }
}

/** One listener for all processes: Node warns of a leak where there are more than ten. */
const running = new Set<ChildProcess>()

function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

function start(module: URL, job: { threads?: number }, log: string | undefined): ChildProcess {
  const file = log === undefined ? undefined : openToAppend(log)
  try {
    const child = fork(fileURLToPath(module), {
      stdio: ['ignore', file ?? 'ignore', file ?? 'pipe', 'ipc'],
      env: { ...process.env, ...(job.threads && { OMP_NUM_THREADS: String(job.threads) }) },
    })
    child.send(job)
    return child
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

const ended = (child: ChildProcess) =>
  new Promise<[number | null, NodeJS.Signals | null]>((done, fail) => {
    child.on('error', fail)
    child.on('close', (code, signal) => done([code, signal]))
  })

const isStop = (signal: string | null) => STOP_SIGNALS.some((stop) => stop === signal)

/** The kernel kills a process that needs more memory than there is by SIGKILL. */
const withoutAnswer = (code: number | null, signal: string | null, more: string): Failure =>
  signal === 'SIGKILL'
    ? { failure: `The process was killed, as happens when memory runs out.${more}`, killed: true }
    : { failure: `The process ended with ${signal ?? `code ${code}`}.${more}` }

/** Returns the error that a failure was. */
export function errorOf({ failure, complaint, stack }: Failure): Error {
  if (complaint) return new UserError(complaint)
  const error = new Error(failure)
  if (stack) error.stack = stack
  return error
}
