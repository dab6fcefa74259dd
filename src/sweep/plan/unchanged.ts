import { join } from 'node:path'
import { backboneIsHere } from '../../backbone/files/locate.js'
import { SPLITS } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import { hashFiles } from '../../base/files/hash.js'
import type { Progress } from '../../base/progress.js'
import type { Experiment } from '../../experiment/schema.js'
import { runFiles } from '../../run/directory.js'
import { Changed, checkBackbone, checkRows, type MadeWith, madeWith, type RowsHere } from '../../run/made_with.js'
import { readManifest } from '../../run/records.js'
import { withBackbone } from '../../run/trained_run.js'
import { rowsAreHere, sourceOf } from '../../task/rows/source.js'
import type { Cell } from './load.js'

export interface UnchangedOptions {
  /** The flag that names another folder. */
  flag: string
  /** Continue with a warning. */
  allowChanged?: boolean | undefined
  progress: Progress
}

/**
 * Checks that existing cells, finished or not, were made with the backbone and the rows that are here, so that no table
 * mixes two of them. Each file is hashed once.
 * @throws Changed that names the first difference, unless changes are allowed
 */
export async function checkUnchanged(folder: string, cells: readonly Cell[], options: UnchangedOptions): Promise<void> {
  const { flag, allowChanged, progress } = options
  const hashes = new Map<string, RowsHere[]>()
  const changed: Changed[] = []
  for (const { name, experiment } of cells) {
    const files = runFiles(join(folder, name))
    const made = notedBy(() => madeWith(readManifest(files)))
    if (!made) continue
    const key = JSON.stringify(experiment.task)
    const rows = hashes.get(key) ?? (await rowsHere(experiment))
    hashes.set(key, rows)
    try {
      await checkCell(files.folder, made, experiment, rows, options)
    } catch (error) {
      if (!(error instanceof Changed)) throw error
      if (!allowChanged) throw error
      changed.push(error)
    }
  }
  const [first, ...others] = changed
  if (!first) return
  const more = others.length > 0 ? ` Other cells that differ: ${others.length}.` : ''
  progress.warn(`${first.at}: ${first.problem}${more} Going on, as --allow-changed says; ${flag} names another folder.`)
}

/** Undefined where the run noted nothing, or its manifest is damaged, which is reported elsewhere. */
function notedBy(read: () => MadeWith): MadeWith | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

async function checkCell(
  folder: string,
  made: MadeWith,
  { backbone }: Experiment,
  rows: RowsHere[],
  { flag, progress }: UnchangedOptions,
): Promise<void> {
  const when = { allowChanged: false, warn: progress.warn }
  for (const here of rows) checkRows(folder, made, here, `Choose another folder with ${flag}`, when)
  if (made.weights === undefined || !(await backboneIsHere(backbone.name))) return
  await withBackbone(backbone.name, progress, (files) => checkBackbone(folder, made, files, when))
}

/** Returns the rows of every split; none where they still have to be downloaded. */
async function rowsHere({ task }: Experiment): Promise<RowsHere[]> {
  if (!(await rowsAreHere(task))) return []
  const rows: RowsHere[] = []
  for (const split of SPLITS) {
    const { file, files } = await sourceOf(task, split)
    rows.push({ split, file, sha256: hashFiles(files) })
  }
  return rows
}
