import type { Progress } from '../../base/progress.js'
import { errorLine } from '../../base/text/printable.js'
import { STOP_SIGNALS } from '../../cli/interrupt.js'
import { terminalProgress } from '../../cli/terminal.js'

export interface Failure {
  failure: string
}

/** What a process that does one job says. */
export type Said =
  | { [Kind in 'phase' | 'update' | 'warn']: { kind: Kind; text: string } }['phase' | 'update' | 'warn']
  | { kind: 'answer'; answer: unknown }

const say = (said: Said) => new Promise<void>((done) => process.send!(said, () => done()))

/** Makes this process do one job: it takes it as a message, tells how it goes and ends with an answer. */
export function answerJob<Job, Answer>(
  work: (job: Job, progress: Progress, stopped: () => boolean) => Promise<Answer>,
): void {
  let stop = false
  process.stderr.on('error', () => {}) // a log on a full disk ends no job
  const ask = () => {
    stop = true
  }
  // Ctrl-C and SIGHUP reach every process of a terminal; the parent's own wish comes as a message.
  for (const signal of STOP_SIGNALS) process.on(signal, ask)
  process.on('disconnect', ask) // the parent is gone
  process.once('message', async (job: Job) => {
    process.on('message', ask)
    const progress = await toldProgress()
    const answer = await work(job, progress, () => stop).catch(failed)
    if (process.connected) await say({ kind: 'answer', answer })
    process.exit(0)
  })
}

/** Progress that goes to the log, which stderr is, and to the parent. */
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

/** The log has the place of what is our own mistake; the user's has its remedy in the message. */
function failed(error: Error): Failure {
  errorLine(String('problem' in error ? error.message : error.stack))
  return { failure: error.message }
}
