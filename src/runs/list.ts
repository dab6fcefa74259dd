import { UserError } from '../base/error.js'
import { sorted, withValues } from './columns.js'
import { NAME_RUNS, runsAt } from './folders.js'
import { type Found, type Listed, readListed } from './listed.js'

export interface ListOptions {
  /** A column or a metric; without it the runs are in the order of their folders. */
  sort?: string | undefined
  /** Texts `key=value`; a run has to meet all of them. */
  where?: readonly string[] | undefined
}

export interface RunList {
  folder: string
  runs: Listed[]
}

/**
 * Lists the runs at or below a folder.
 * @throws UserError where there are none, and for names and values that none of them has.
 */
export async function listRuns(folder: string, { sort, where = [] }: ListOptions): Promise<RunList> {
  const found = await foundIn(folder)
  const kept = withValues(found, where)
  if (kept.length === 0 && sort !== undefined) sorted(found, sort) // refuses an unknown name here too
  const runs = sort === undefined || kept.length === 0 ? kept : sorted(kept, sort)
  return { folder, runs: runs.map(({ run }) => run) }
}

/** Reads all runs at or below a folder. @throws UserError where there are none */
export async function foundIn(folder: string): Promise<Found[]> {
  const lookedAt = runsAt(folder)
  const [first] = lookedAt
  if (first?.kind === 'none') throw new UserError({ at: folder, problem: first.reason!, remedy: NAME_RUNS })
  return Promise.all(lookedAt.map((each) => readListed(each)))
}
