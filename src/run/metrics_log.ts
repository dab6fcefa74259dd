import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { append, writeAtomically } from '../atomic.js'
import { DamagedFile, parseJsonLine } from '../json_file.js'
import { appendEvent, truncateEvents } from './tensorboard.js'

/** One line of metrics.jsonl: a training step's figures, or a split's scores at a step. */
export type MetricsLine = { step: number } & Record<string, number | string>

/** Also as an event of TensorBoard's, beside it, where the experiment says so. */
export function appendMetrics(path: string, line: MetricsLine, { tensorboard = false } = {}): void {
  append(path, `${JSON.stringify(line)}\n`)
  if (tensorboard) appendEvent(dirname(path), line)
}

const stepOf = z.object({ step: z.number() })

/**
 * Drops what was logged after `step`, and a last line that a kill cut short: a resumed run logs those steps again.
 * @throws DamagedFile with file and line for another line that is none of the log's; nothing is dropped then.
 */
export function truncateMetrics(path: string, step: number): void {
  if (!existsSync(path)) return
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  const kept = lines.filter((line, i) => stepIn(line, `${path}:${i + 1}`) <= step)
  writeAtomically(path, kept.map((line) => `${line}\n`).join(''))
  truncateEvents(dirname(path), step)
}

function stepIn(line: string, at: string): number {
  const remedy = 'Take the line out, or put in what is missing.'
  const read = stepOf.safeParse(parseJsonLine(line, at, remedy))
  if (read.success) return read.data.step
  throw new DamagedFile({ at, problem: 'is damaged: it has no step.', remedy })
}
