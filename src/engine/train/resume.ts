import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Backbone } from '../../backbone/files/weights.js'
import type { Split } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import { writeAtomically } from '../../base/files/atomic.js'
import type { Progress } from '../../base/progress.js'
import { shortened } from '../../base/text/shortened.js'
import { isMapping } from '../../base/yaml/merge.js'
import { experimentYaml } from '../../experiment/load/load.js'
import { storedPlaces } from '../../experiment/places.js'
import type { Experiment } from '../../experiment/schema.js'
import type { Result, RunFiles } from '../../run/directory.js'
import { asItBegan } from '../../run/earlier.js'
import { runExperiment } from '../../run/experiment.js'
import { checkBackbone, checkRows, madeWith, type RowsHere } from '../../run/made_with.js'
import type { Manifest } from '../../run/manifest.js'
import { rowsOption } from '../../run/places.js'
import { type Environment, type LengthChange, readManifest, readResult } from '../../run/records.js'
import { checkOrder } from '../../run/row_order.js'
import { warmupInForce } from '../optimizer/learning_rate.js'
import { checkGoesOn, isWhole, LENGTH, lengthChange, plannedSteps } from './longer.js'
import { checkStartedFrom } from './start_from.js'
import type { Training } from './trainer.js'

/**
 * Where backbone and rows are is no part of what they are: their hashes tell whether they are the same. Nor is what people
 * call the labels, how many rows are computed at once, or which
 * files are kept. `lengthChange` checks how long the run is, and
 * `checkStartedFrom` where it started.
 */
const MAY_CHANGE =
  /^(training\.(micro_batch_size|steps|epochs|patience|start_from|keep)$|task\.(train|validation|test|path|label_names(\..*)?)$|backbone\.name$)/

/**
 * A length of outputs that nobody gave is found in the rows, in which earlier versions looked at fewer targets.
 * @param given the experiment before values in force were put in
 * @throws UserError where a run began with another experiment than the one that it is to go on with.
 */
function checkSame(files: RunFiles, experiment: Experiment, given: Experiment, stepsPerEpoch: number): void {
  const before = runExperiment(files.experiment)
  const warmup_steps = warmupInForce(given.training.warmup_steps, plannedSteps(before.training, stepsPerEpoch))
  const now = { ...experiment, training: { ...experiment.training, warmup_steps } }
  const found = given.training.target_length === undefined ? ['training.target_length'] : []
  const differing = differences(before, now).filter(({ key }) => !MAY_CHANGE.test(key) && !found.includes(key))
  if (differing.length === 0) return
  const told = differing.map(({ key, from, to }) => `${key} (${shownValue(from)} then, ${shownValue(to)} now)`)
  throw new UserError({
    at: files.experiment,
    problem: `the run was started with another ${told.join(' and ')}.`,
    remedy: 'Resume with the same values, or start a new run with --run-dir.',
  })
}

const shownValue = (value: unknown): string => (value === undefined ? 'none' : shortened(JSON.stringify(value)))

/**
 * The experiment with what an earlier version did where it has begun the run, and with the warm-up that its steps have had,
 * whatever share of a longer run that is. A batch size of `auto` is the one that was chosen then.
 */
export function asBegun(files: RunFiles, experiment: Experiment): Experiment {
  const { method, training: before } = runExperiment(files.experiment)
  const { training } = experiment
  const longer = training.steps !== before.steps || training.epochs !== before.epochs
  return {
    ...experiment,
    method: asItBegan(experiment.method, method),
    training: {
      ...training,
      ...(longer && { warmup_steps: before.warmup_steps }),
      ...(training.batch_size === 'auto' && { batch_size: before.batch_size }),
    },
  }
}

export interface There {
  /** The result of a run that has no step left. */
  finished?: Result | undefined
  /** What is other than before in how long the run is. */
  length?: LengthChange | undefined
}

/** Of a run that begins. */
export const NOTHING: There = {}

/** @throws UserError where the run that is there can't go on as it is to. */
export function whatIsThere(
  files: RunFiles,
  { experiment, plan, steps }: Pick<Training, 'experiment' | 'plan' | 'steps'>,
  given: Experiment,
): There {
  checkSame(files, experiment, given, plan.stepsPerEpoch)
  if (existsSync(files.checkpoint)) checkStartedFrom(readManifest(files)?.start, experiment, files.experiment)
  const length = lengthChange(files, experiment, { steps, stepsPerEpoch: plan.stepsPerEpoch })
  const result = readResult(files)
  if (result && !length && isWhole(result, steps)) return { finished: result }
  checkGoesOn(files)
  checkOrder(files, 'start a new run with --run-dir.', plan.order)
  return { length }
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

/** What may be other than before is so the next time too: places of files, names of labels, the run's length. */
export function keepWhatChanged(files: RunFiles, experiment: Experiment): void {
  const before = storedPlaces(runExperiment(files.experiment), files.folder)
  const now = storedPlaces(experiment, files.folder)
  if (isDeepStrictEqual(changeable(before), changeable(now))) return
  writeAtomically(files.experiment, experimentYaml(now))
}

const changeable = ({ task, backbone, training }: Experiment) => [
  ...[task.train, task.validation, task.test, task.path],
  backbone.name,
  'label_names' in task ? task.label_names : undefined,
  ...LENGTH.map((key) => training[key]),
  training.keep,
]

/** The manifest with all that was other than before when the run went on after that step: no old hash is lost. */
export function withChanges(
  manifest: Manifest,
  step: number,
  resumed: Resumed | undefined,
  length: LengthChange | undefined,
): Manifest {
  const before = resumed?.manifest
  if (!before) return manifest
  const differing = (from: string | undefined, to: string) => (from === undefined || from === to ? [] : [{ from, to }])
  const [backbone_sha256] = differing(before.backbone_sha256, manifest.backbone_sha256)
  const data_sha256 = Object.fromEntries(
    Object.entries(manifest.data_sha256).flatMap(([split, to]) =>
      differing(before.data_sha256[split], to).map((change) => [split, change]),
    ),
  )
  const earlier = before.changes ?? []
  const change = { step, ...(backbone_sha256 && { backbone_sha256 }), data_sha256, ...length }
  const changed = backbone_sha256 !== undefined || Object.keys(data_sha256).length > 0 || length !== undefined
  const noted = isDeepStrictEqual(earlier.at(-1), change) // where the process was killed before the experiment was written
  const changes = [...earlier, ...(changed && !noted ? [change] : [])]
  return { ...manifest, ...(changes.length > 0 && { changes }) }
}

interface Difference {
  key: string
  from: unknown
  to: unknown
}

/** Keys, down to the leaves, whose values differ. */
function differences(from: unknown, to: unknown, key = ''): Difference[] {
  if (isDeepStrictEqual(from, to)) return []
  if (!isMapping(from) || !isMapping(to)) return [{ key, from, to }]
  const keys = new Set([...Object.keys(from), ...Object.keys(to)])
  return [...keys].flatMap((inner) => differences(from[inner], to[inner], key ? `${key}.${inner}` : inner))
}
