import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { UserError } from '../error.js'
import { experimentSchema } from '../experiment/schema.js'
import { isLocked } from '../lock.js'
import { type Result, type RunFiles, readResult, runFiles, writeJson } from '../run/directory.js'
import { isCellName } from './names.js'

/** Paths of a sweep's own files; beside them stands a run directory for each cell. */
export function sweepFiles(folder: string) {
  return {
    folder,
    /** The sweep file as it is in force, for people. */
    sweep: join(folder, 'sweep.yaml'),
    /** What a process needs to run any cell, in the order of their indices. */
    cells: join(folder, 'cells.json'),
    logs: join(folder, 'logs'),
    slurm: join(folder, 'slurm.json'),
    results: join(folder, 'results.json'),
    csv: join(folder, 'results.csv'),
    markdown: join(folder, 'results.md'),
  }
}

const cellName = z.string().refine(isCellName, { error: ({ input }) => `${JSON.stringify(input)} is no cell's name` })

const plannedSchema = z.strictObject({
  name: z.string(),
  axes: z.array(z.string()),
  slurm: z.unknown(), // for people: a submission takes them from the sweep file
  cells: z.array(
    z.strictObject({ name: cellName, axes: z.record(z.string(), z.unknown()), experiment: experimentSchema }),
  ),
})
/** What cells.json holds. */
export type PlannedSweep = z.infer<typeof plannedSchema>

/** @throws UserError where the folder is no sweep's, or a cell leads out of it. */
export function readPlanned(folder: string): PlannedSweep {
  const { cells } = sweepFiles(folder)
  if (!existsSync(cells)) {
    throw new UserError({
      at: folder,
      problem: existsSync(folder) ? 'is no sweep: it has no cells.json.' : 'there is no such folder.',
      remedy: 'Name a folder that `compacter sweep run` made, such as runs/quick.',
    })
  }
  const parsed = plannedSchema.safeParse(jsonOr(cells))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw damaged(cells, `${issue!.path.join('.')}: ${issue!.message}`)
  }
  checkInside(folder, parsed.data.cells)
  return parsed.data
}

/**
 * Checks that a sweep's cells and logs are in its folder: what is written there, or deleted, must be its own.
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

function jsonOr(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw damaged(file, (error as Error).message)
  }
}

const damaged = (at: string, why: string) =>
  new UserError({
    at,
    problem: `is damaged: ${why}.`,
    remedy: 'Delete it: the same `compacter sweep run` writes it again.',
  })

/** Why a cell failed, and when. */
export interface Failure {
  reason: string
  /** ISO 8601, UTC. */
  at: string
}

const failureFile = (cell: string) => join(cell, 'failure.json')

export const writeFailure = (folder: string, name: string, reason: string): void =>
  writeJson(failureFile(join(folder, name)), { reason, at: new Date().toISOString() } satisfies Failure)

/** Of a cell's run directory; undefined where it has none. */
export function readFailure(cell: string): Failure | undefined {
  const file = failureFile(cell)
  return existsSync(file) ? (jsonOr(file) as Failure) : undefined
}

export const forgetFailure = (folder: string, name: string): void =>
  rmSync(failureFile(join(folder, name)), { force: true })

export type CellState =
  | { state: 'finished'; result: Result }
  | { state: 'failed'; reason: string }
  | { state: 'running' | 'stopped'; step: number }
  | { state: 'waiting' }

/** What became of a cell so far, read from its run directory. */
export async function cellState(folder: string, name: string): Promise<CellState> {
  const files = runFiles(join(folder, name))
  const running = await isLocked(`${files.folder}.lock`)
  const result = readResult(files)
  if (result) return { state: 'finished', result }
  if (running) return { state: 'running', step: lastStep(files) }
  const failure = readFailure(files.folder)
  if (failure) return { state: 'failed', reason: failure.reason }
  return existsSync(files.experiment) ? { state: 'stopped', step: lastStep(files) } : { state: 'waiting' }
}

/** More than two lines of metrics.jsonl have. */
const TAIL_BYTES = 4096

/** The last step in metrics.jsonl; a line that is only half written does not count. */
function lastStep({ metrics }: RunFiles): number {
  if (!existsSync(metrics)) return 0
  const file = openSync(metrics, 'r')
  try {
    const { size } = fstatSync(file)
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(file, tail, 0, tail.length, size - tail.length)
    const steps = [...tail.toString().matchAll(/^\{"step":(\d+),.*\}$/gm)]
    return Number(steps.at(-1)?.[1] ?? 0)
  } finally {
    closeSync(file)
  }
}
