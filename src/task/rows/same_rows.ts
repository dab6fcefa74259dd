import type { Split } from '../../base/choices.js'
import type { TaskOptions } from '../options.js'
import { sourceSplit } from './source.js'

interface Hashed {
  /** The name for errors. */
  file: string
  /** SHA-256 of the content of the split's files. */
  sha256: string
}

/** Returns warnings about splits with different files of the same content. */
export function sameRows(task: TaskOptions, splits: Record<Split, Hashed>): string[] {
  const same = (a: Split, b: Split) =>
    sourceSplit(task, a) !== sourceSplit(task, b) && splits[a].sha256 === splits[b].sha256
  const trained = (['validation', 'test'] as const).filter((split) => same(split, 'train'))
  if (trained.length > 0)
    return trained.map((split) => `${trainedOn(`The ${split} rows (${splits[split].file})`)} ${ONE_FILE}`)
  if (!same('validation', 'test')) return []
  return [
    `The test rows (${splits.test.file}) are the validation rows, which choose the best checkpoint: their score ` +
      'tends to be too high. task.split: halves makes validation and test of one file.',
  ]
}

/** Warns about scored rows. The training may use only a subset of the file. */
export const trainedOn = (rows: string): string =>
  `${rows} include rows that the model is trained on: their score says nothing of new rows.`

const ONE_FILE = 'task.split: both_held_out makes train, validation and test of one file.'
