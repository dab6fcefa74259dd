import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import type { Split } from '../../base/choices.js'
import type { DownloadListener } from '../../hub/snapshot.js'
import type { TaskOptions } from '../options.js'
import { LabelMisfit } from '../rows/misfit.js'
import { examplesOf, sourcesOf } from '../rows/source.js'
import { tagsIn } from '../words/tagged.js'
import { type Told, textsProblem } from './told_apart.js'
import { type Written, written } from './written_form.js'

export type Classification = Extract<TaskOptions, { kind: 'classification' }>
type Regression = Extract<TaskOptions, { kind: 'regression' }>
type TokenClassification = Extract<TaskOptions, { kind: 'token_classification' }>

/** Whether `labelTexts` needs to read no rows for this classification. */
export const namesLabels = ({ labels }: Classification): boolean => labels !== undefined

/**
 * Returns the target texts, or the tags, that a task chooses from: those in `task.labels`, or else those of the rows of
 * the given splits.
 * @throws UserError where rows have to be read and cannot.
 */
export async function labelTexts(
  task: Classification | Regression | TokenClassification,
  splits: readonly Split[],
  options: DownloadListener = {},
): Promise<string[]> {
  if (task.kind !== 'regression' && task.labels) return [...new Set(Object.values(task.labels))]
  const labels = new Set<string>()
  for (const source of await sourcesOf(task, splits, options))
    for await (const { target, words } of examplesOf(task, source))
      for (const label of words ? tagsIn(target) : [target]) labels.add(label)
  return [...labels]
}

/**
 * Returns the labels, or the numbers of a regression, as the backbone's tokenizer writes them, sorted by the form in
 * which they are compared with outputs.
 * @throws LabelMisfit where two are the same to the tokenizer, or one can never be output and no ranking is asked for.
 */
export async function writtenLabels(
  task: Classification | Regression,
  texts: readonly string[],
  tokenizer: Tokenizer,
  told: Told,
): Promise<Written[]> {
  const labels = await written(texts, tokenizer)
  const found = textsProblem(labels, task.kind === 'classification' ? 'label' : 'target', told)
  if (!found) return labels.sort((a, b) => (a.form < b.form ? -1 : 1))
  const { problem, remedy, about, needed } = found
  if (needed !== undefined) throw new LabelMisfit(['training', 'target_length'], problem, remedy)
  const { labels: named, label } = { labels: undefined, ...task }
  const value = Object.keys(named ?? {}).find((value) => named![value] === about.text)
  if (value !== undefined) throw new LabelMisfit(['task', 'labels', value], `in task.labels, ${problem}`, remedy)
  const where = task.kind === 'classification' ? ' task.labels can name other texts.' : ''
  throw new LabelMisfit(['task', 'label'], `in the column '${label}', ${problem}`, `${remedy}${where}`)
}
