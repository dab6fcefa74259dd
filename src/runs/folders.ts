import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../base/error.js'
import { shownPath } from '../base/yaml/source.js'
import { runFiles } from '../run/directory.js'
import { readFailure } from '../sweep/run/folder.js'

/** A folder that was looked at for runs. */
export interface LookedAt {
  folder: string
  /** `run`: it has an experiment.yaml. `broken`: it was one, or was to become one. `none`: neither it nor any below. */
  kind: 'run' | 'broken' | 'none'
  /** Why it is not a run. */
  reason?: string
}

/** A grid is a folder of runs; a folder of grids is one more level. */
const DEPTH = 3

export const NAME_RUNS = 'Name folders that `compacter train` made, such as runs/quickstart, or a folder of them.'

/**
 * Returns the runs at or below a path, in the order of the numbers in their names, and what is left of others.
 * @throws UserError for a path that does not exist.
 */
export function runsAt(path: string): LookedAt[] {
  if (!existsSync(path)) throw new UserError({ at: path, problem: 'there is no such folder.', remedy: NAME_RUNS })
  if (!statSync(path).isDirectory()) return [{ folder: path, kind: 'none', reason: 'is a file, not a folder.' }]
  const found = runsBelow(path, DEPTH)
  if (found.length > 0) return found
  return [{ folder: path, kind: 'none', reason: 'is not a run and holds none: it has no experiment.yaml.' }]
}

function runsBelow(folder: string, depth: number): LookedAt[] {
  const files = runFiles(folder)
  if (existsSync(files.experiment)) return [{ folder, kind: 'run' }]
  const broken = (reason: string): LookedAt[] => [{ folder, kind: 'broken', reason }]
  if ([files.manifest, files.metrics, files.result].some((file) => existsSync(file)))
    return broken('is damaged: it has no experiment.yaml.')
  const failed = failureIn(folder)
  if (failed !== undefined) return broken(failed)
  if (depth === 0) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((name) => runsBelow(join(folder, name), depth - 1))
}

/** Returns why a cell of a sweep failed, or why its note of that cannot be read; undefined where there is none. */
export function failureIn(folder: string): string | undefined {
  try {
    const failure = readFailure(folder)
    return failure && `failed: ${failure.reason}`
  } catch (error) {
    return reasonOf(error as Error, folder)
  }
}

/** Returns an error's message in one line, with files named relative to the folder. */
export function reasonOf({ message }: Error, folder: string): string {
  const [first] = message.split('\n')
  return [folder, shownPath(folder)].reduce((text, path) => text.replaceAll(`${path}/`, ''), first!)
}
