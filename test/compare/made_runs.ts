import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { AnsweredSplit } from '../../src/base/choices.js'
import type { AnsweredRow } from '../../src/compare/scores/scored_rows.js'
import { predictedWithFile, runFiles } from '../../src/run/directory.js'
import type { Classes } from '../../src/task/metrics/metrics.js'
import { type RunValues, writeRun } from '../report/runs.js'

interface AnsweredRunValues extends RunValues {
  split?: AnsweredSplit
  /** Of the split's rows; by default the run's own. */
  sha256?: string
  classes?: Classes
  /** The number of the first row in its file. */
  firstRow?: number
  /** Keys that the file says of what it was made with. */
  made?: object
}

const OWN = { validation: '22'.repeat(32), test: '33'.repeat(32) }

/** Writes a finished run with its answers, but for tensors. */
export function writeAnsweredRun(
  folder: string,
  rows: readonly AnsweredRow[],
  { split = 'test', sha256 = OWN[split], classes, firstRow = 1, made, ...values }: AnsweredRunValues = {},
): string {
  writeRun(folder, values)
  const file = runFiles(folder)[`${split}Predictions`]
  mkdirSync(dirname(file), { recursive: true })
  const lines = rows.map((row, i) => `${JSON.stringify({ row: firstRow + i, source: `text ${i}`, ...row })}\n`).join('')
  writeFileSync(file, lines)
  const labels = [...new Set(rows.map(({ target }) => target))].sort()
  const run = {
    run: folder,
    ...{ trained_sha256: 'cd'.repeat(32), backbone_sha256: 'ab'.repeat(32), tokenizer_sha256: 'ef'.repeat(32) },
    ...{ data_sha256: { [split]: sha256 }, rows: rows.length, precision: 'float32' },
    classes: classes ?? { labels, positive: labels.at(-1) },
    ...made,
  }
  const predictions_sha256 = createHash('sha256').update(lines).digest('hex')
  writeFileSync(predictedWithFile(file), JSON.stringify({ predictions_sha256, split, runs: [run] }))
  return folder
}
