import { existsSync } from 'node:fs'
import { UserError } from '../base/error.js'
import type { RowOrder } from '../task/tokens/batches.js'
import type { RunFiles } from './directory.js'
import { readManifest } from './records.js'

/** The order in versions that noted none, whatever the experiment said. */
const UNNOTED = 'sorted by length in windows of 50 batches'

/**
 * Checks that a run which has taken steps took its rows in this order; without `order`, in any order of this version.
 * @throws UserError that names the version to use, or a manifest that is missing or damaged.
 * @param otherwise what to do instead of continuing with the version that made the run: `start a new run.`
 */
export function checkOrder(files: RunFiles, otherwise: string, order?: RowOrder): void {
  if (!existsSync(files.checkpoint)) return
  const manifest = readManifest(files)
  if (!manifest) {
    const problem = 'is not there, and nothing else says in which order the run took its rows.'
    throw new UserError({ at: files.manifest, problem, remedy: `Put it back, or ${otherwise}` })
  }
  const { row_order, compacter, git_commit } = manifest
  if (order === undefined ? row_order !== undefined : row_order === order) return
  const version = git_commit ? `${compacter}, commit ${git_commit}` : compacter
  throw new UserError({
    at: files.manifest,
    problem: `the run took its rows in another order than this version of compacter would: ${row_order ?? UNNOTED}.`,
    remedy: `Go on with the version that began it (${version}), or ${otherwise}`,
  })
}
