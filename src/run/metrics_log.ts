import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { writeAtomically } from '../atomic.js'

/** One line of metrics.jsonl: a training step's figures, or a split's scores at a step. */
export type MetricsLine = { step: number } & Record<string, number | string>

export const appendMetrics = (path: string, line: MetricsLine): void =>
  appendFileSync(path, `${JSON.stringify(line)}\n`)

/** Drops what was logged after `step`, and a last line that a kill cut short: a resumed run logs those steps again. */
export function truncateMetrics(path: string, step: number): void {
  if (!existsSync(path)) return
  const lines = readFileSync(path, 'utf8').split('\n')
  const kept = lines.slice(0, -1).filter((line) => (JSON.parse(line) as MetricsLine).step <= step)
  writeAtomically(path, kept.map((line) => `${line}\n`).join(''))
}
