import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeAtomically } from '../atomic.js'
import { appendEvent, truncateEvents } from './tensorboard.js'

/** One line of metrics.jsonl: a training step's figures, or a split's scores at a step. */
export type MetricsLine = { step: number } & Record<string, number | string>

/** Also as an event of TensorBoard's, beside it, where the experiment says so. */
export function appendMetrics(path: string, line: MetricsLine, { tensorboard = false } = {}): void {
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  if (tensorboard) appendEvent(dirname(path), line)
}

/** Drops what was logged after `step`, and a last line that a kill cut short: a resumed run logs those steps again. */
export function truncateMetrics(path: string, step: number): void {
  if (!existsSync(path)) return
  const lines = readFileSync(path, 'utf8').split('\n')
  const kept = lines.slice(0, -1).filter((line) => (JSON.parse(line) as MetricsLine).step <= step)
  writeAtomically(path, kept.map((line) => `${line}\n`).join(''))
  truncateEvents(dirname(path), step)
}
