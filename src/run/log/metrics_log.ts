import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { append, syncFile, writeAtomically } from '../../base/files/atomic.js'
import { DamagedFile, parseJsonLine } from '../../base/files/json_file.js'
import { readText } from '../../base/files/read.js'
import { appendEvent, truncateEvents } from './tensorboard.js'

/** One line of metrics.jsonl: a training step's figures, or a split's scores at a step. */
export type MetricsLine = { step: number } & Record<string, number | string>

/** Appends a line, and also an event for TensorBoard if the experiment says so. */
export function appendMetrics(path: string, line: MetricsLine, { tensorboard = false } = {}): void {
  append(path, `${JSON.stringify(line)}\n`)
  if (tensorboard) appendEvent(dirname(path), line)
}

/** Writes the log to the disk before a checkpoint, which must not outlive the figures of its steps. */
export function syncMetrics(path: string): void {
  if (existsSync(path)) syncFile(path)
}

const lineOf = z.object({ step: z.number(), split: z.string().optional() })
type Logged = z.infer<typeof lineOf>

/**
 * Drops what was logged after `step`, and a last line that a kill cut short: a resumed run logs those steps again.
 * `say` is called if earlier steps have no figures.
 * @throws DamagedFile with file and line for another line that is not one of the log's; nothing is dropped then.
 */
export function truncateMetrics(path: string, step: number, say: (text: string) => void = () => {}): void {
  const kept = existsSync(path) ? linesUpTo(path, step) : []
  if (existsSync(path)) writeAtomically(path, kept.map(({ text }) => `${text}\n`).join(''))
  const logged = new Set(kept.filter(({ split }) => split === undefined).map(({ step }) => step))
  if (logged.size < step) say(`${path}: ${missing(logged, step)}. The steps were taken; their curves have a gap.`)
  truncateEvents(dirname(path), step, kept.length, say)
}

/** Reads up to the first line of a later step; lines after it may be damaged. */
function linesUpTo(path: string, step: number): (Logged & { text: string })[] {
  const kept: (Logged & { text: string })[] = []
  const lines = readText(path).split('\n')
  for (const [i, text] of lines.entries()) {
    const end = i === lines.length - 1
    if (end && !isLogged(text)) break // nothing, or cut short
    const line = logged(text, `${path}:${i + 1}`)
    if (line.step > step) break
    kept.push({ ...line, text })
  }
  return kept
}

function logged(text: string, at: string): Logged {
  const remedy = 'Take the line out, or put in what is missing.'
  const read = lineOf.safeParse(parseJsonLine(text, at, remedy))
  if (read.success) return read.data
  throw new DamagedFile({ at, problem: 'is damaged: it has no step.', remedy })
}

function isLogged(text: string): boolean {
  try {
    return lineOf.safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}

function missing(logged: Set<number>, step: number): string {
  let first = 1
  while (logged.has(first)) first++
  const count = step - logged.size
  return count === 1
    ? `has no figures of step ${first}`
    : `has no figures of ${count} steps, the first is step ${first}`
}
