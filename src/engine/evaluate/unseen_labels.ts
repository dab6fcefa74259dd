import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { counted } from '../../base/text/counted.js'
import { shortened } from '../../base/text/shortened.js'
import { written } from '../../task/labels/written_form.js'
import type { PreparedSplit } from '../prepare/data.js'
import { countedTargets } from './counted_targets.js'

/** The most labels that a list names. */
const LISTED = 5

/**
 * Returns a warning about rows of a split whose label no training row of the same run has; undefined if there are none.
 */
export function unseenInTraining(split: PreparedSplit, train: PreparedSplit): string | undefined {
  const trained = [...countedTargets(train).keys()]
  const found = unseen(countedTargets(split), trained)
  if (found === undefined) return undefined
  return (
    `${split.name}: ${found} no training row has; those have ${listed(trained)}. Such rows are hardly ever ` +
    'answered right.'
  )
}

/**
 * Does the same for rows that are not the run's own. `trained` are the texts of the labels that the run was trained on.
 */
export async function unseenByRun(
  split: PreparedSplit,
  trained: readonly string[],
  tokenizer: Tokenizer,
): Promise<string | undefined> {
  const scored = new Map<string, number>()
  for (const { target } of await split.examples()) scored.set(target, (scored.get(target) ?? 0) + 1)
  const known = (await written(trained, tokenizer)).map(({ form }) => form)
  const found = unseen(scored, known)
  if (found === undefined) return undefined
  return (
    `${split.file}: ${found} the run was never trained on; it was trained on ${listed(known)}. Such rows ` +
    'are hardly ever answered right. Where the labels mean the same, write them as in the training, or score ' +
    'with --task EXPERIMENT, whose task.labels says which is which.'
  )
}

/** Returns `12 of 20 rows have a label ('bad') that`, by how many rows have each label. */
function unseen(scored: ReadonlyMap<string, number>, trained: readonly string[]): string | undefined {
  const known = new Set(trained)
  const others = [...scored].filter(([label]) => !known.has(label))
  if (others.length === 0) return undefined
  const sum = (labels: Iterable<[string, number]>) => [...labels].reduce((total, [, rows]) => total + rows, 0)
  const rows = sum(others)
  const have = rows === 1 ? 'has' : 'have'
  return (
    `${rows.toLocaleString('en')} of ${counted(sum(scored), 'row')} ${have} a label ` +
    `(${listed(others.map(([label]) => label))}) that`
  )
}

/** Lists the first of them in sorted order, in quotes. */
function listed(labels: readonly string[]): string {
  const names = [...labels].sort().map((label) => `'${shortened(label)}'`)
  const more = names.length - LISTED
  return more > 0 ? `${names.slice(0, LISTED).join(', ')} and ${more} more` : names.join(', ')
}
