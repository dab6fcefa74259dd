import { UserError } from '../error.js'

/** Exit code of a command that Ctrl-C or SIGTERM ended. */
export const INTERRUPTED = 130

/** Work was stopped from outside, on purpose, after it had saved. */
export class Interrupted extends UserError {
  override readonly exitCode = INTERRUPTED

  constructor() {
    super({ problem: 'Stopped; everything so far is saved.', remedy: 'Go on with --resume.' })
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Runs `work` with a question it can ask: was a stop asked for? The first Ctrl-C or SIGTERM lets it save and end,
 * the second ends the process at once.
 */
export async function untilInterrupted<T>(work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  let asked = false
  const stop = () => {
    if (asked) process.exit(INTERRUPTED)
    asked = true
  }
  for (const signal of SIGNALS) process.on(signal, stop)
  try {
    return await work(() => asked)
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop)
  }
}
