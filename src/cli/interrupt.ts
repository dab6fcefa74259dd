import { type Complaint, INTERRUPTED, UserError } from '../base/error.js'

/** Where ranks share the work, every one of them throws it at the same place. */
export class Agreed extends UserError {}

/** Work was stopped from outside, on purpose, after it had saved. */
export class Interrupted extends Agreed {
  override readonly exitCode = INTERRUPTED

  constructor(words: Complaint = { problem: 'Stopped; everything so far is saved.', remedy: 'Go on with --resume.' }) {
    super(words)
  }

  /** The same, with the whole command that goes on. */
  goOnWith(command: string): Interrupted {
    return new Interrupted({ problem: this.problem, remedy: `Go on with: ${command}` })
  }
}

/** Those that ask a process to end. SIGHUP: its terminal is gone; also under nohup, since Node takes it back. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs `work` with a question it can ask: was a stop asked for? Before it first asks, a signal ends the process at once, in
 * the midst of a long reading too: there is nothing to save. From then on the first signal lets it save and end, a second
 * Ctrl-C or SIGTERM ends the process at once. A terminal that goes sends SIGHUP more than once.
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

/** As `untilInterrupted`; where the work is stopped, its error says with which command it goes on. */
export async function stoppable<T>(command: string, work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  try {
    return await untilInterrupted(work)
  } catch (error) {
    throw error instanceof Interrupted && error.remedy ? error.goOnWith(command) : error
  }
}
