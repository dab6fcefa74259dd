import { isDeepStrictEqual } from 'node:util'
import { writeAtomically } from '../atomic.js'
import type { Backbone } from '../backbone/weights.js'
import { UserError } from '../error.js'
import { experimentYaml } from '../experiment/load.js'
import { storedPlaces } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import type { Progress } from '../progress.js'
import type { RunFiles } from '../run/directory.js'
import { asItBegan } from '../run/earlier.js'
import { runExperiment } from '../run/experiment.js'
import { checkBackbone, checkRows, madeWith, type RowsHere } from '../run/made_with.js'
import type { Manifest } from '../run/manifest.js'
import { rowsOption } from '../run/places.js'
import { type Environment, readManifest } from '../run/records.js'
import type { Split } from '../task/rows.js'

/**
 * Where backbone and rows are is no part of what they are: their hashes tell whether they are the same. Nor is what people
 * call the labels, or how many rows are computed at once.
 */
const MAY_CHANGE =
  /^(training\.micro_batch_size$|task\.(train|validation|test|path|label_names(\..*)?)$|backbone\.name$)/

/**
 * A length of outputs that nobody gave is found in the rows, in which earlier versions looked at fewer targets.
 * @param given the experiment before values in force were put in
 * @throws UserError where a run began with another experiment than the one that it is to go on with.
 */
export function checkSame(files: RunFiles, experiment: Experiment, given: Experiment): void {
  const before = runExperiment(files.experiment)
  const found = given.training.target_length === undefined ? ['training.target_length'] : []
  const differing = differences(before, experiment).filter((key) => !MAY_CHANGE.test(key) && !found.includes(key))
  if (differing.length === 0) return
  throw new UserError({
    at: files.experiment,
    problem: `the run was started with another ${differing.join(' and ')}.`,
    remedy: 'Resume with the same experiment and --set, or start a new run with --run-dir.',
  })
}

/** The experiment with what an earlier version did where it has begun the run. */
export function asBegun(files: RunFiles, experiment: Experiment): Experiment {
  return { ...experiment, method: asItBegan(experiment.method, runExperiment(files.experiment).method) }
}

/** A run that goes on: what it was made with so far, and the checks that it is the same now. */
export interface Resumed extends Checks {
  manifest: Environment | undefined
}

export interface Checks {
  backbone(files: Backbone): void
  rows(here: RowsHere): void
}

/** @throws DamagedFile; the checks throw Changed, unless that is allowed. */
export function resumedRun(
  files: RunFiles,
  { task }: Experiment,
  { allowChanged = false, progress }: { allowChanged?: boolean | undefined; progress: Progress },
): Resumed {
  const manifest = readManifest(files)
  const made = madeWith(manifest)
  const when = { allowChanged, warn: progress.warn }
  const wayOut = (split: Split) =>
    `Say where the same rows are (--set ${rowsOption(task, split)}), start a new run with --run-dir`
  return {
    manifest,
    backbone: (backbone) => checkBackbone(files.folder, made, backbone, when),
    rows: (here) => checkRows(files.folder, made, here, wayOut(here.split), when),
  }
}

/** What is read from another place now is read from there the next time too, and labels keep the names that they have now. */
export function keepPlacesAndNames(files: RunFiles, experiment: Experiment): void {
  const before = storedPlaces(runExperiment(files.experiment), files.folder)
  const now = storedPlaces(experiment, files.folder)
  if (isDeepStrictEqual(placesAndNames(before), placesAndNames(now))) return
  writeAtomically(files.experiment, experimentYaml(now))
}

const placesAndNames = ({ task, backbone }: Experiment) => [
  ...[task.train, task.validation, task.test, task.path],
  backbone.name,
  'label_names' in task ? task.label_names : undefined,
]

/** The manifest with all that was other than before when the run went on after that step: no old hash is lost. */
export function withChanges(manifest: Manifest, step: number, resumed: Resumed | undefined): Manifest {
  const before = resumed?.manifest
  if (!before) return manifest
  const differing = (from: string | undefined, to: string) => (from === undefined || from === to ? [] : [{ from, to }])
  const [backbone_sha256] = differing(before.backbone_sha256, manifest.backbone_sha256)
  const data_sha256 = Object.fromEntries(
    Object.entries(manifest.data_sha256).flatMap(([split, to]) =>
      differing(before.data_sha256[split], to).map((change) => [split, change]),
    ),
  )
  const changed = backbone_sha256 !== undefined || Object.keys(data_sha256).length > 0
  const change = { step, ...(backbone_sha256 && { backbone_sha256 }), data_sha256 }
  const changes = [...(before.changes ?? []), ...(changed ? [change] : [])]
  return { ...manifest, ...(changes.length > 0 && { changes }) }
}

/** Keys, down to the leaves, whose values differ. */
function differences(a: unknown, b: unknown, path = ''): string[] {
  if (isDeepStrictEqual(a, b)) return []
  const mapping = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x)
  if (!mapping(a) || !mapping(b)) return [path]
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].flatMap((key) => differences(a[key], b[key], path ? `${path}.${key}` : key))
}
