import { resolve } from 'node:path'
import { UserError } from '../base/error.js'
import { type ReportRun, readRun } from '../run/compare/read_run.js'
import { NAME_RUNS, reasonOf, runsAt } from '../runs/folders.js'

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

/**
 * Reads runs, and the runs in folders of runs, each once. Damaged ones are left out with the reason.
 * @throws UserError for a path that does not exist, and where nothing can be read at all.
 */
export function findRuns(paths: readonly string[]): FoundRuns {
  const lookedAt = paths.flatMap(runsAt)
  const leftOut = lookedAt.flatMap(({ folder, reason }) => (reason === undefined ? [] : [{ folder, reason }]))
  const found: FoundRuns = { runs: [], leftOut }
  const runs = lookedAt.filter(({ kind }) => kind === 'run')
  for (const folder of new Map(runs.map(({ folder }) => [resolve(folder), folder])).values()) {
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
    remedy: NAME_RUNS,
  })
}
