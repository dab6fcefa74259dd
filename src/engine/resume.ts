import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../error.js'
import type { Experiment } from '../experiment/schema.js'
import type { RunFiles } from '../run/directory.js'
import { runExperiment } from '../run/experiment.js'

/** Who computes is no part of what: a run whose worker is gone goes on with others. */
const MAY_CHANGE = /^training\.(workers(\.|$)|on_worker_lost$)/

/** @throws UserError where a run began with another experiment than the one that it is to go on with. */
export function checkSame(files: RunFiles, experiment: Experiment): void {
  const before = runExperiment(files.experiment)
  const differing = differences(before, experiment).filter((key) => !MAY_CHANGE.test(key))
  if (differing.length === 0) return
  throw new UserError({
    at: files.experiment,
    problem: `the run was started with another ${differing.join(' and ')}.`,
    remedy: 'Resume with the same experiment and --set, or start a new run with --run-dir.',
  })
}

/** Keys, down to the leaves, whose values differ. */
function differences(a: unknown, b: unknown, path = ''): string[] {
  if (isDeepStrictEqual(a, b)) return []
  const mapping = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x)
  if (!mapping(a) || !mapping(b)) return [path]
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].flatMap((key) => differences(a[key], b[key], path ? `${path}.${key}` : key))
}
