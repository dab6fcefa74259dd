import { ExperimentError } from '../../base/error.js'
import { type Progress, showDownload } from '../../base/progress.js'
import type { Experiment } from '../../experiment/schema.js'
import { toldAtItsKey } from '../../task/rows/misfit.js'
import { checkHead } from '../../task/rows/rows.js'
import { countRows, sourceOf } from '../../task/rows/source.js'
import { subsetProblem } from '../../task/rows/splits.js'
import { trainingSplit } from '../../task/rows/subsample.js'
import type { LoadedCell } from './load.js'

type Task = Experiment['task']

/**
 * Reads the training split of a task, the validation rows if they are halved, and the first rows of the other splits; a
 * missing file is downloaded. Returns the number of training rows.
 * @throws UserError for rows that cannot be trained on.
 */
export async function checkData(task: Task, progress: Progress): Promise<number> {
  progress.phase(`Checking the rows of ${task.name}`)
  const download = showDownload(progress)
  for (const split of ['validation', 'test'] as const) {
    const { file, rows } = await sourceOf(task, split, download)
    await checkHead(task, file, rows())
  }
  if (task.split === 'halves') await countRows(task, 'validation', download)
  return (await trainingSplit(task, { ...download, stratified: false })).rows
}

/**
 * Checks the rows of every cell's task, each task once.
 * @throws UserError for rows that cannot be trained on, and for a subset larger than the training split, naming the
 *   place of its size.
 */
export async function checkCellsData(cells: readonly LoadedCell[], progress: Progress): Promise<void> {
  const counts = new Map<string, number>()
  for (const { experiment, locate } of cells) {
    const { subset, ...task } = experiment.task
    const name = JSON.stringify(task)
    const rows = counts.get(name) ?? (await toldAtItsKey(locate, () => checkData(task, progress)))
    counts.set(name, rows)
    const wrong = subset && subsetProblem(experiment.task, subset, rows)
    if (!wrong) continue
    const { key, ...words } = wrong
    throw new ExperimentError({ at: locate(['task', 'subset', key]), ...words })
  }
}
