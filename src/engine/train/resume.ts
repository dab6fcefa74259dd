import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Backbone } from '../../backbone/files/weights.js'
import type { Split } from '../../base/choices.js'
import { quoted } from '../../base/command_line.js'
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
import { type Environment, type ImportedFrom, type LengthChange, readManifest, readResult } from '../../run/records.js'
import { checkOrder } from '../../run/row_order.js'
import { warmupInForce } from '../optimizer/learning_rate.js'
import { checkGoesOn, isWhole, LENGTH, lengthChange, plannedSteps } from './longer.js'
import { checkStartedFrom } from './start_from.js'
import type { Training } from './trainer.js'

/**
 * Keys that may differ when a run is resumed. The places of backbone and rows may change, since their hashes show
 * whether they are the same; so may the names of labels, how many rows are computed at once, and which files are kept.
 * `lengthChange` checks the length of the run, and `checkStartedFrom` where it started.
 */
const MAY_CHANGE = [
  /^training\.(micro_batch_size|steps|epochs|patience|start_from|keep)$/,
  /^task\.(train|validation|test|path|label_names(\..*)?)$/,
  /^backbone\.name$/,
]

/**
 * Checks that a run is resumed with the experiment that it began with. A length of outputs that nobody set is found
 * from the rows, of which earlier versions read fewer targets.
 * @param given the experiment before defaults were filled in
 * @throws UserError where the run began with another experiment.
 */
function checkSame(files: RunFiles, experiment: Experiment, given: Experiment, stepsPerEpoch: number): void {
  const before = runExperiment(files.experiment)
  const warmup_steps = warmupInForce(given.training.warmup_steps, plannedSteps(before.training, stepsPerEpoch))
  const now = { ...experiment, training: { ...experiment.training, warmup_steps } }
  const found = given.training.target_length === undefined ? ['training.target_length'] : []
  const mayDiffer = (key: string) => found.includes(key) || MAY_CHANGE.some((keys) => keys.test(key))
  const differing = differences(before, now).filter(({ key }) => !mayDiffer(key))
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
 * Returns the experiment with the values of the earlier version that began the run, and with the warm-up of its first
 * steps, whatever share of a longer run that is. A batch size of `auto` becomes the one that was chosen then.
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
  /** The result, if the run has no step left. */
  finished?: Result | undefined
  /** What changes in the length of the run. */
  length?: LengthChange | undefined
}

/** For a run that begins. */
export const NOTHING: There = {}

/** Returns what exists of a run that continues. @throws UserError where the run can't continue with this experiment. */
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

/** A run that continues: what it was made with so far, and checks that this has not changed. */
export interface Resumed extends Checks {
  manifest: Environment | undefined
}

export interface Checks {
  backbone(files: Backbone): void
  rows(here: RowsHere): void
}

/**
 * Returns the run with its checks.
 * @throws DamagedFile, or UserError for an imported run; the checks throw Changed, unless changes are allowed
 */
export function resumedRun(
  files: RunFiles,
  { task }: Experiment,
  { allowChanged = false, progress }: { allowChanged?: boolean | undefined; progress: Progress },
): Resumed {
  const manifest = readManifest(files)
  if (manifest?.imported) throw notTrained(files.folder, manifest.imported)
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

function notTrained(folder: string, { format, folder: from }: ImportedFrom): UserError {
  const problem = `was imported from ${from} (${format}), not trained here: there is nothing to resume.`
  const remedy = `Begin a training from its tensors: --set training.start_from=${quoted(folder)}.`
  return new UserError({ at: folder, problem, remedy })
}

/** Stores what may change for the next time too: places of files, names of labels, the run's length. */
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

/**
 * Returns the manifest with everything that changed when the run was continued after that step: no old hash is lost.
 */
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
  // where the process was killed before the experiment was written
  const noted = isDeepStrictEqual(earlier.at(-1), change)
  const changes = [...earlier, ...(changed && !noted ? [change] : [])]
  return { ...manifest, ...(changes.length > 0 && { changes }) }
}

interface Difference {
  key: string
  from: unknown
  to: unknown
}

/** Returns the keys, down to the leaves, whose values differ. */
function differences(from: unknown, to: unknown, key = ''): Difference[] {
  if (isDeepStrictEqual(from, to)) return []
  if (!isMapping(from) || !isMapping(to)) return [{ key, from, to }]
  const keys = new Set([...Object.keys(from), ...Object.keys(to)])
  return [...keys].flatMap((inner) => differences(from[inner], to[inner], key ? `${key}.${inner}` : inner))
}
