import { existsSync, lstatSync, realpathSync, rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../base/error.js'
import { makeFolder } from '../../base/files/atomic.js'
import { readJsonFile } from '../../base/files/json_file.js'
import { isLocked } from '../../base/lock/lock.js'
import { hideSecrets } from '../../base/secrets.js'
import { locatedPlaces, storedPlaces } from '../../experiment/places.js'
import { type Experiment, experimentSchema } from '../../experiment/schema.js'
import { type Result, type RunFiles, runFiles, writeJson } from '../../run/directory.js'
import { lastStep } from '../../run/log/last_step.js'
import { readResult } from '../../run/records.js'
import { CELLS_FILE, REWRITE } from '../../run/sweep_of.js'
import { isCellName } from '../plan/names.js'

/** Returns the paths of a sweep's own files; next to them is a run directory for each cell. */
export function sweepFiles(folder: string) {
  return {
    folder,
    /** The sweep file with the values in force, for people. */
    sweep: join(folder, 'sweep.yaml'),
    /** What a process needs to run any cell, in the order of their indices. */
    cells: join(folder, CELLS_FILE),
    logs: join(folder, 'logs'),
    slurm: join(folder, 'slurm.json'),
    results: join(folder, 'results.json'),
    csv: join(folder, 'results.csv'),
    markdown: join(folder, 'results.md'),
  }
}

const cellName = z
  .string()
  .refine(isCellName, { error: ({ input }) => `${JSON.stringify(input)} is not the name of a cell` })

const plannedSchema = z.strictObject({
  name: z.string(),
  axes: z.array(z.string()),
  slurm: z.unknown(), // for people: a submission reads them from the sweep file
  cells: z.array(
    z.strictObject({ name: cellName, axes: z.record(z.string(), z.unknown()), experiment: experimentSchema }),
  ),
})
/** The content of cells.json. */
export type PlannedSweep = z.infer<typeof plannedSchema>

/** Reads cells.json. @throws UserError where the folder is not a sweep's, or a cell leads out of it. */
export function readPlanned(folder: string): PlannedSweep {
  const { cells } = sweepFiles(folder)
  if (!existsSync(cells)) {
    throw new UserError({
      at: folder,
      problem: existsSync(folder) ? 'is not a sweep: it has no cells.json.' : 'there is no such folder.',
      remedy: 'Name a folder that `compacter sweep run` made, such as runs/quick.',
    })
  }
  const planned = readJsonFile(cells, plannedSchema, { remedy: REWRITE })
  checkInside(folder, planned.cells)
  return withExperiments(planned, (experiment) => locatedPlaces(experiment, folder, cells))
}

/** Writes cells.json, with the cells' files relative to the sweep's folder, so that the two can be moved together. */
export const writePlanned = (folder: string, planned: PlannedSweep): void =>
  writeJson(
    sweepFiles(folder).cells,
    withExperiments(planned, (experiment) => storedPlaces(experiment, folder)),
  )

const withExperiments = (planned: PlannedSweep, change: (experiment: Experiment) => Experiment): PlannedSweep => ({
  ...planned,
  cells: planned.cells.map((cell) => ({ ...cell, experiment: change(cell.experiment) })),
})

/**
 * Checks that a sweep's cells and logs are in its folder: only its own files may be written there, or deleted.
 * @throws UserError that names the first link that leads out.
 */
export function checkInside(folder: string, cells: readonly { name: string }[]): void {
  for (const name of ['logs', ...cells.map(({ name }) => name)]) {
    const path = join(folder, name)
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue
    const target = existsSync(path) ? realpathSync(path) : undefined
    if (target?.startsWith(realpathSync(folder) + sep)) continue
    throw new UserError({
      at: path,
      problem: `is a link out of the sweep's folder${target === undefined ? '' : `, to ${target}`}.`,
      remedy: "Delete the link; move what it leads to into the sweep's folder if it belongs there.",
    })
  }
}

const failureSchema = z.object({ reason: z.string(), at: z.string().describe('ISO 8601, UTC.') })
/** Why a cell failed, and when. */
export type Failure = z.infer<typeof failureSchema>

const failureFile = (cell: string) => join(cell, 'failure.json')

/** Notes why a cell failed. On a full disk the note is missing, so that the next `sweep run` tries the cell again. */
export function writeFailure(folder: string, name: string, reason: string): void {
  const cell = join(folder, name)
  try {
    makeFolder(cell)
    writeJson(failureFile(cell), { reason: hideSecrets(reason), at: new Date().toISOString() } satisfies Failure)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
  }
}

/** Returns the failure of a cell's run directory; undefined where it has none. @throws DamagedFile */
export function readFailure(cell: string): Failure | undefined {
  const file = failureFile(cell)
  if (!existsSync(file)) return undefined
  return readJsonFile(file, failureSchema, { remedy: '--retry-failed tries the cell again.' })
}

export const forgetFailure = (folder: string, name: string): void =>
  rmSync(failureFile(join(folder, name)), { force: true })

export type CellState =
  | { state: 'finished'; result: Result }
  | { state: 'failed'; reason: string }
  | { state: 'running' | 'stopped'; step: number }
  | { state: 'waiting' }

/** Reads the state of a cell from its run directory; a cell with damaged files counts as failed. */
export async function cellState(folder: string, name: string): Promise<CellState> {
  try {
    return await stateIn(runFiles(join(folder, name)))
  } catch (error) {
    if (error instanceof UserError) return { state: 'failed', reason: hideSecrets(error.message) }
    throw error
  }
}

async function stateIn(files: RunFiles): Promise<CellState> {
  const running = await isLocked(`${files.folder}.lock`)
  const result = readResult(files)
  if (result) return { state: 'finished', result }
  if (running) return { state: 'running', step: lastStep(files.metrics) }
  const failure = readFailure(files.folder)
  if (failure) return { state: 'failed', reason: failure.reason }
  return existsSync(files.experiment) ? { state: 'stopped', step: lastStep(files.metrics) } : { state: 'waiting' }
}
