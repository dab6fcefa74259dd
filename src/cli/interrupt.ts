import { type Complaint, INTERRUPTED, UserError } from '../base/error.js'

/** An error that, where ranks share the work, every rank throws at the same place. */
export class Agreed extends UserError {}

/** The work was stopped from outside, on purpose, and has saved first. */
export class Interrupted extends Agreed {
  override readonly exitCode = INTERRUPTED

  constructor(words: Complaint = { problem: 'Stopped; everything so far is saved.', remedy: 'Go on with --resume.' }) {
    super(words)
  }

  /** Returns the same error, naming the whole command that continues the work. */
  goOnWith(command: string): Interrupted {
    return new Interrupted({ problem: this.problem, remedy: `Go on with: ${command}` })
  }
}

/**
 * Signals that ask a process to end. SIGHUP means that its terminal is gone; it arrives under nohup too, since Node
 * handles it.
 */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs `work` with a function that says whether a stop was asked for. Until `work` first calls it, a signal ends the
 * process at once, even during a long read: there is nothing to save. After that the first signal lets it save and end,
 * and a second Ctrl-C or SIGTERM ends the process at once. A closing terminal sends SIGHUP more than once.
 */
export async function untilInterrupted<T>(work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  let asked = false
  let listening = false
  const stop = (signal: NodeJS.Signals) => {
    if (asked && signal !== 'SIGHUP') process.exit(INTERRUPTED)
    asked = true
  }
  const interrupted = () => {
    if (!listening) for (const signal of STOP_SIGNALS) process.on(signal, stop)
    listening = true
    return asked
  }
  try {
    return await work(interrupted)
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, stop)
  }
}

/** As `untilInterrupted`; if the work is stopped, its error names the command that continues it. */
export async function stoppable<T>(command: string, work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  try {
    return await untilInterrupted(work)
  } catch (error) {
    throw error instanceof Interrupted && error.remedy ? error.goOnWith(command) : error
  }
}
