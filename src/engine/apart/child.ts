import type { Progress } from '../../base/progress.js'
import { errorLine } from '../../base/text/printable.js'
import { STOP_SIGNALS } from '../../cli/interrupt.js'
import { terminalProgress } from '../../cli/terminal.js'

export interface Failure {
  failure: string
}

/** The messages of a process that does one job. */
export type Said =
  | { [Kind in 'phase' | 'update' | 'warn']: { kind: Kind; text: string } }['phase' | 'update' | 'warn']
  | { kind: 'answer'; answer: unknown }

const say = (said: Said) => new Promise<void>((done) => process.send!(said, () => done()))

/** Makes this process do one job: it receives the job as a message, reports its progress and ends with an answer. */
export function answerJob<Job, Answer>(
  work: (job: Job, progress: Progress, stopped: () => boolean) => Promise<Answer>,
): void {
  let stop = false
  process.stderr.on('error', () => {}) // a log on a full disk ends no job
  const ask = () => {
    stop = true
  }
  // Ctrl-C and SIGHUP reach every process of a terminal; the parent asks by a message.
  for (const signal of STOP_SIGNALS) process.on(signal, ask)
  process.on('disconnect', ask) // the parent has ended
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
  errorLine(String('problem' in error ? error.message : error.stack))
  return { failure: error.message }
}
