import type { ChildProcess, StdioOptions } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { INTERRUPTED } from '../../../base/error.js'
import { endOf, pipEnvironment, startProgram } from '../../../base/program.js'
import { STOP_SIGNALS } from '../../../cli/interrupt.js'

export interface Outcome {
  stdout: string
  stderr: string
}

/**
 * The running programs, each with its own child processes, while a signal is to end them together with this process.
 */
interface Ended {
  programs: Set<ChildProcess>
  stopped: boolean
}
let ended: Ended | undefined

/** Milliseconds that a program has to end by itself. */
const GRACE = 3000
const WINDOWS = process.platform === 'win32'

/**
 * Runs `work`; a signal ends this process, and all programs that `work` runs with their child processes. The first
 * signal lets them end by themselves and calls `say`; a second Ctrl-C or SIGTERM ends all at once.
 */
export async function endedBySignals<T>(work: () => Promise<T>, say: () => void): Promise<T> {
  const own: Ended = { programs: new Set(), stopped: false }
  const signalAll = (signal: NodeJS.Signals) => {
    for (const program of own.programs) signalTree(program, signal)
  }
  const stop = async (signal: NodeJS.Signals) => {
    if (own.stopped && signal !== 'SIGHUP') process.exit(INTERRUPTED)
    if (own.stopped) return
    own.stopped = true
    signalAll('SIGTERM')
    await Promise.race([Promise.all([...own.programs].map(closed)), sleep(GRACE)])
    say()
    process.exit(INTERRUPTED)
  }
  const kill = () => signalAll('SIGKILL')
  ended = own
  for (const signal of STOP_SIGNALS) process.on(signal, stop)
  process.on('exit', kill)
  try {
    return await work()
  } finally {
    ended = undefined
    process.off('exit', kill)
    for (const signal of STOP_SIGNALS) process.off(signal, stop)
  }
}

const closed = (program: ChildProcess) => new Promise((done) => program.once('close', done))

/** Signals a program that leads a process group, and the group. */
function signalTree(program: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (WINDOWS || program.pid === undefined) program.kill(signal)
    else process.kill(-program.pid, signal)
  } catch {} // it has ended
}

export interface ProgramOptions {
  /** The longest time that it may take. */
  seconds?: number
  /** Called with each line of its stdout. */
  onLine?: (line: string) => void
  /** Variables in addition to the environment. */
  env?: NodeJS.ProcessEnv
}

/**
 * Runs a program to its end.
 * @throws Error with the program's last line of stderr if it can't start, fails, or takes longer than the limit.
 */
export async function runProgram(
  program: string,
  args: string[],
  { seconds = 60, onLine, env = {} }: ProgramOptions = {},
): Promise<Outcome> {
  const owner = ended
  if (owner?.stopped) return new Promise(() => {}) // this process is about to end
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
  const detached = owner !== undefined && !WINDOWS // a group of its own
  const options = { stdio, timeout: seconds * 1000, detached, env: { ...pipEnvironment(), ...env } }
  const child = startProgram(program, args, options)
  owner?.programs.add(child)
  const end = endOf(child)
  child.stdout.on('data', (text: string) => {
    for (const line of text.split('\n')) if (line.trim()) onLine?.(line.trim())
  })
  const { code, signal, stdout, stderr } = await end.catch((error: Error) => {
    throw new Error(`${program} can't be run (${error.message})`)
  })
  if (owner?.stopped) return new Promise(() => {}) // what waits must not try another way
  owner?.programs.delete(child)
  if (code === 0) return { stdout, stderr }
  throw new Error(`${program} ${signal ? `was stopped by ${signal}` : 'failed'}: ${reasonIn(stderr)}`)
}

/** Returns the line that says what went wrong, without the advice around it. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').flatMap((line) => line.trim() || [])
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no message').slice(0, 400)
}

/** Whether the program exists and answers. */
export const answers = (program: string, args: string[]): Promise<boolean> =>
  runProgram(program, args, { seconds: 20 }).then(
    () => true,
    () => false,
  )
