// A process of its own for one cell, or for measuring one: takes a job as a message, tells how it goes, ends with an answer.

import type { Progress } from '../../base/progress.js'
import { errorLine } from '../../base/text/printable.js'
import { Interrupted, STOP_SIGNALS } from '../../cli/interrupt.js'
import { terminalProgress } from '../../cli/terminal.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import { dryRun, type Plan } from '../../engine/prepare/dry_run.js'
import type { Experiment } from '../../experiment/schema.js'
import { CellBusy, runCell } from './cell.js'

export type Job = DeviceOptions &
  ({ folder: string; index: number; allowChanged?: boolean | undefined } | { measure: Experiment })

/** What a child says. */
export type Said =
  | { [Kind in 'phase' | 'update' | 'warn']: { kind: Kind; text: string } }['phase' | 'update' | 'warn']
  | { kind: 'answer'; answer: Answer }
export type Answer = 'finished' | 'interrupted' | 'busy' | { failure: string } | { plan: Plan }

const say = (said: Said) => new Promise<void>((done) => process.send!(said, () => done()))

let stop = false
process.stderr.on('error', () => {}) // a log on a full disk ends no cell
const ask = () => {
  stop = true
}
// Ctrl-C and SIGHUP reach every process of a terminal; the parent's own wish comes as a message.
for (const signal of STOP_SIGNALS) process.on(signal, ask)
process.on('disconnect', ask) // the parent is gone
process.once('message', async ({ ...job }: Job) => {
  process.on('message', ask)
  const log = await terminalProgress() // stderr is the cell's log
  const tell =
    (kind: 'phase' | 'update' | 'warn') =>
    (text: string): void => {
      log[kind](text)
      if (process.connected) process.send!({ kind, text } satisfies Said)
    }
  const progress: Progress = {
    phase: tell('phase'),
    update: tell('update'),
    note: log.note,
    warn: tell('warn'),
    end: log.end,
    stop: log.stop,
  }
  const answer = await ('measure' in job ? measured(job, progress) : trained(job, progress))
  if (process.connected) await say({ kind: 'answer', answer })
  process.exit(0)
})

async function trained(job: Extract<Job, { folder: string }>, progress: Progress): Promise<Answer> {
  const { folder, index, ...device } = job
  try {
    await runCell(folder, index, { ...device, progress, interrupted: () => stop })
    return 'finished'
  } catch (error) {
    if (error instanceof Interrupted) return 'interrupted'
    if (error instanceof CellBusy) return 'busy'
    return failed(error as Error)
  }
}

async function measured({ measure, ...device }: Extract<Job, { measure: Experiment }>, progress: Progress) {
  try {
    return { plan: await dryRun(measure, { ...device, progress }) }
  } catch (error) {
    return failed(error as Error)
  }
}

/** The log has the place of what is our own mistake; the user's has its remedy in the message. */
function failed(error: Error): Answer {
  errorLine(String('problem' in error ? error.message : error.stack))
  return { failure: error.message }
}
