// A process of its own for one trial: it receives the trial as a message, answers with one, and ends.
import { UserError } from '../base/error.js'
import { errorLine } from '../base/text/printable.js'
import { measure } from './measure.js'
import type { Measured, Trial } from './trial.js'

/** What a child process answers. */
export type Answer = { measured: Measured } | { complaint: { at?: string; problem: string; remedy?: string } }

const answer = (message: Answer) => new Promise<void>((done) => process.send!(message, () => done()))

process.on('disconnect', () => process.exit(1)) // the benchmark has ended
process.once('message', async (trial: Trial) => {
  try {
    await answer({ measured: await measure(trial) })
    process.exit(0)
  } catch (error) {
    if (error instanceof UserError) {
      const { at, problem, remedy } = error
      await answer({ complaint: { ...(at && { at }), problem, ...(remedy && { remedy }) } })
    } else errorLine(String((error as Error).stack))
    process.exit(1)
  }
})
