import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UserError } from '../base/error.js'
import { shownPath } from '../base/yaml/source.js'
import { type ReportRun, readRun } from '../run/compare/read_run.js'
import { runFiles } from '../run/directory.js'
import { readFailure } from '../sweep/run/folder.js'

/** A folder that a report shows only in part, or not at all, and why. */
export interface LeftOut {
  folder: string
  reason: string
}

export interface FoundRuns {
  /** Runs, finished or not. */
  runs: ReportRun[]
  leftOut: LeftOut[]
}

/** A grid is a folder of runs; a folder of grids is one more level. */
const DEPTH = 3

/**
 * Reads runs, and the runs in folders of runs, each once. Damaged ones are left out with the reason.
 * @throws UserError for a path that does not exist, and where nothing can be read at all.
 */
export function findRuns(paths: readonly string[]): FoundRuns {
  const found: FoundRuns = { runs: [], leftOut: [] }
  const folders = new Map(paths.flatMap((path) => foldersOf(path, found.leftOut)).map((path) => [resolve(path), path]))
  for (const folder of folders.values()) {
    try {
      found.runs.push(readRun(folder))
    } catch (error) {
      found.leftOut.push({ folder, reason: reasonOf(error as Error, folder) })
    }
  }
  if (found.runs.length > 0) return found
  const [first] = found.leftOut
  throw new UserError({
    at: first!.folder,
    problem: found.leftOut.length > 1 ? `${first!.reason} None of the others is a run either.` : first!.reason,
    remedy: 'Name folders that `compacter train` made, such as runs/quickstart, or a folder of them.',
  })
}

/** Returns an error's message in one line, with files named relative to the folder. */
function reasonOf({ message }: Error, folder: string): string {
  const [first] = message.split('\n')
  return [folder, shownPath(folder)].reduce((text, path) => text.replaceAll(`${path}/`, ''), first!)
}

function foldersOf(path: string, leftOut: LeftOut[]): string[] {
  if (!existsSync(path)) {
    throw new UserError({
      at: path,
      problem: 'there is no such folder.',
      remedy: 'Name folders that `compacter train` made, such as runs/quickstart, or a folder of them.',
    })
  }
  if (!statSync(path).isDirectory()) {
    leftOut.push({ folder: path, reason: 'is a file, not a folder.' })
    return []
  }
  const before = leftOut.length
  const folders = runsBelow(path, DEPTH, leftOut)
  if (folders.length === 0 && leftOut.length === before)
    leftOut.push({ folder: path, reason: 'is not a run and holds none: it has no experiment.yaml.' })
  return folders
}

function failureIn(folder: string): string | undefined {
  try {
    const failure = readFailure(folder)
    return failure && `failed: ${failure.reason}`
  } catch (error) {
    return reasonOf(error as Error, folder)
  }
}

function runsBelow(folder: string, depth: number, leftOut: LeftOut[]): string[] {
  const files = runFiles(folder)
  if (existsSync(files.experiment)) return [folder]
  if ([files.manifest, files.metrics, files.result].some((file) => existsSync(file))) {
    leftOut.push({ folder, reason: 'is damaged: it has no experiment.yaml.' })
    return []
  }
  const failed = failureIn(folder)
  if (failed !== undefined) {
    leftOut.push({ folder, reason: failed })
    return []
  }
  if (depth === 0) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((name) => runsBelow(join(folder, name), depth - 1, leftOut))
}
