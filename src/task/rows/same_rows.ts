import type { Split } from '../../base/choices.js'
import type { TaskOptions } from '../options.js'
import { sourceSplit } from './source.js'

interface Hashed {
  /** What errors name. */
  file: string
  /** SHA-256 of the content of the split's files. */
  sha256: string
}

/** What warnings say of splits that are read from files of the same content, though each names its own. */
export function sameRows(task: TaskOptions, splits: Record<Split, Hashed>): string[] {
  const same = (a: Split, b: Split) =>
    sourceSplit(task, a) !== sourceSplit(task, b) && splits[a].sha256 === splits[b].sha256
  const trained = (['validation', 'test'] as const).filter((split) => same(split, 'train'))
  if (trained.length > 0)
    return trained.map((split) => `${trainedOn(`The ${split} rows (${splits[split].file})`)} ${ONE_FILE}`)
  if (!same('validation', 'test')) return []
  return [
    `The test rows (${splits.test.file}) are the validation rows, which choose the best checkpoint: their score tends to be too high. task.split: halves makes validation and test of one file.`,
  ]
}

/** Of rows that are scored. A subset of the file may be all that is trained on. */
export const trainedOn = (rows: string): string =>
  `${rows} include rows that the model is trained on: their score says nothing of new rows.`

const ONE_FILE = 'task.split: both_held_out makes train, validation and test of one file.'
