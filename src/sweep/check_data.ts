import type { Experiment } from '../experiment/schema.js'
import { type Progress, showDownload } from '../progress.js'
import { toldAtItsKey } from '../task/misfit.js'
import { checkHead } from '../task/rows.js'
import { sourceOf } from '../task/source.js'
import { checkSubset } from '../task/splits.js'
import { trainingSplit } from '../task/subsample.js'
import type { LoadedCell } from './load.js'

type Task = Experiment['task']

/**
 * Reads the training split of a task, and the head of the others; a missing file is downloaded. Gives the number of
 * training rows.
 * @throws UserError for rows that cannot be trained on.
 */
export async function checkData(task: Task, progress: Progress): Promise<number> {
  progress.phase(`Checking the rows of ${task.name}`)
  const download = { onProgress: showDownload(progress) }
  for (const split of ['validation', 'test'] as const) {
    const { file, rows } = await sourceOf(task, split, download)
    await checkHead(task, file, rows())
  }
  return (await trainingSplit(task, { ...download, stratified: false })).rows
}

/**
 * Checks the rows of every cell's task, each task once.
 * @throws UserError for rows that cannot be trained on, and for a subset larger than the training split, by the place of its size.
 */
export async function checkCellsData(cells: readonly LoadedCell[], progress: Progress): Promise<void> {
  const counts = new Map<string, number>()
  for (const { experiment, locate } of cells) {
    const { subset, ...task } = experiment.task
    const key = JSON.stringify(task)
    const rows = counts.get(key) ?? (await toldAtItsKey(locate, () => checkData(task, progress)))
    counts.set(key, rows)
    if (subset) checkSubset(experiment.task, subset, rows, locate(['task', 'subset', 'size']))
  }
}
