import type { DownloadListener } from '../hub/snapshot.js'
import type { TaskOptions } from './options.js'
import type { Split } from './rows.js'
import { examplesOf, sourceOf } from './source.js'

/** Whether `labelsOf` has no rows to read. */
export const namesLabels = (task: TaskOptions): boolean => task.kind !== 'classification' || task.labels !== undefined

/**
 * The target texts that a classification chooses from, sorted: those that `task.labels` names, else those of the rows of
 * the given splits; none for another kind of task.
 * @throws UserError where rows have to be read and cannot.
 */
export async function labelsOf(
  task: TaskOptions,
  splits: readonly Split[],
  options: DownloadListener = {},
): Promise<string[]> {
  if (task.kind !== 'classification') return []
  if (task.labels) return [...new Set(Object.values(task.labels))].sort()
  const labels = new Set<string>()
  const read = new Set<string>()
  for (const split of splits) {
    const source = await sourceOf(task, split, options)
    if (read.has(source.file)) continue
    read.add(source.file)
    for await (const { target } of examplesOf(task, source)) labels.add(target)
  }
  return [...labels].sort()
}
