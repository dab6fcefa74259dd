import type { Complaint } from '../../base/error.js'
import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import { errorLine } from '../../base/text/printable.js'
import { STOP_SIGNALS } from '../../cli/interrupt.js'
import { terminalProgress } from '../../cli/terminal.js'

/** Why a job has no answer. */
export interface Failure {
  failure: string
  /** The error that the user can act on, where it is one. */
  complaint?: Complaint
  /** The stack of any other error. */
  stack?: string
  /** Whether the system killed the process, as it does when memory runs out. */
  killed?: boolean
}

/** The messages of a process that does one job. */
export type Said =
  | { [Kind in 'phase' | 'update' | 'warn']: { kind: Kind; text: string } }['phase' | 'update' | 'warn']
  | { kind: 'answer'; answer: unknown }

const say = (said: Said) => new Promise<void>((done) => process.send!(said, () => done()))

/**
 * Makes this process do one job: it receives the job as a message, reports its progress and ends with an answer. With
 * `saves` false it has nothing to save, and ends at once when it is asked to stop or the parent has ended.
 */
export function answerJob<Job, Answer>(
  work: (job: Job, progress: Progress, stopped: () => boolean) => Promise<Answer>,
  { saves = true } = {},
): void {
  let stop = false
  process.stderr.on('error', () => {}) // a log on a full disk ends no job
  const ask = () => {
    stop = true
  }
  // Ctrl-C and SIGHUP reach every process of a terminal; the parent asks by a message.
  if (saves) for (const signal of STOP_SIGNALS) process.on(signal, ask)
  process.on('disconnect', saves ? ask : () => process.exit(1)) // the parent has ended
  process.once('message', async (job: Job) => {
    process.on('message', ask)
    const progress = await toldProgress()
    const answer = await work(job, progress, () => stop).catch(failed)
    if (process.connected) await say({ kind: 'answer', answer })
    process.exit(0)
  })
}

/** Reports progress to the log, which is stderr, and to the parent. */
async function toldProgress(): Promise<Progress> {
  const log = await terminalProgress()
  const tell =
    (kind: 'phase' | 'update' | 'warn') =>
    (text: string): void => {
      log[kind](text)
      if (process.connected) process.send!({ kind, text } satisfies Said)
    }
  return {
    phase: tell('phase'),
    update: tell('update'),
    note: log.note,
    warn: tell('warn'),
    end: log.end,
    stop: log.stop,
  }
}

/**
 * Returns the failure. The log gets the stack of our own mistakes; the user's mistakes have their remedy in the
 * message.
 */
function failed(error: Error): Failure {
  const { message, stack } = error
  errorLine(String('problem' in error ? message : stack))
  if (!(error instanceof UserError)) return { failure: message, ...(stack && { stack }) }
  const { at, problem, remedy } = error
  return { failure: message, complaint: { ...(at && { at }), problem, ...(remedy && { remedy }) } }
}
