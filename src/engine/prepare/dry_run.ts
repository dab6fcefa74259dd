import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import type { ChosenBatch } from '../../run/manifest.js'
import { type Batch, padBatch, trainingPlan } from '../../task/tokens/batches.js'
import { type DeviceOptions, startDevice } from '../device/device.js'
import { memoryTaken, peakMemory } from '../device/memory.js'
import { blueprintOf, disposeModel, startVector } from '../model/model.js'
import { chooseMode, type Stepper, startStepper } from '../model/stepper.js'
import { startState } from '../optimizer/optimizer.js'
import { optimizerOf } from '../optimizer/optimizers.js'
import { plannedSteps } from '../train/longer.js'
import { closeAll, prepare } from '../train/prepared.js'
import { startFrom } from '../train/start_from.js'
import type { Training } from '../train/trainer.js'
import {
  availableMemory,
  checkKnowsMemory,
  extrapolated,
  largestFitting,
  type Measured,
  MOST_ROWS,
} from './batch_size.js'
import { headCount } from './head.js'
import { prepareModel, preparePadding } from './prepare.js'

/** The properties of a training run, measured with steps on its longest rows; nothing is written. */
export interface Plan {
  name: string
  device: string
  mode: Stepper['mode']
  rows: { train: number; validation: number; test: number }
  trained_parameters: number
  /** Those of them in the head; of runs on encoders. */
  head_parameters?: number
  backbone_parameters: number
  steps: number
  /** If `training.batch_size` is auto: what was chosen. */
  batch_size_auto?: ChosenBatch
  /** Rows of the largest batch that a step was taken with: batch_size if the memory is enough for it. */
  measured_batch_size: number
  /**
   * Seconds of one step on the longest rows, which is the longest time of a step; beyond the measured batch in
   * proportion.
   */
  step_seconds: number
  estimated_seconds: number
  peak_memory_bytes: number
  /** Memory of the GPU for the measured batch, on `webgpu`. How much the GPU has is not known. */
  gpu_memory_bytes?: number
  /** Whether the machine's free memory is enough. */
  fits: boolean
}

/**
 * Prepares a training run as `train` would and takes steps on its longest rows, with a batch that doubles up to
 * `batch_size` as long as the next one will fit into the memory; it extrapolates what it can't try. If `batch_size` is
 * auto, it is the largest that fits.
 * @throws UserError where it is auto and the memory is not known, or too small
 */
export async function dryRun(
  experiment: Experiment,
  { progress, ...options }: DeviceOptions & { progress: Progress },
): Promise<Plan> {
  const auto = experiment.training.batch_size === 'auto'
  const prepared = await (auto ? prepare(withMostRows(experiment), silently(progress)) : prepare(experiment, progress))
  const { train, validation, test, backbone } = prepared
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  if (auto) checkKnowsMemory(device)
  const { mode } = chooseMode(prepared.experiment, device, prepared.steps)
  const { ladder } = preparePadding(prepared, mode)
  const blueprint = blueprintOf(backbone.config, prepared.experiment.method)
  startFrom(prepared.experiment, blueprint, backbone.files)
  const model = mode === 'eager' ? prepareModel(prepared.experiment, backbone, progress) : undefined
  const { training } = prepared.experiment
  const vector = startVector(blueprint, backbone.files.read, training.seed)
  const state = startState(vector, optimizerOf(training).moments(blueprint.layout))
  const session = { ...backbone.files, threads: device.threads }
  const stepper = await startStepper(model, blueprint, prepared.experiment, state, session)
  const wanted = Math.min(rowsAStep(training), train.rows)
  const longest = [...train.lengths.keys()].sort((a, b) => train.lengths[b]! - train.lengths[a]!).slice(0, wanted)
  const take = async (rows: number): Promise<Measured> => {
    progress.phase(`Two steps on the ${rows} longest rows`)
    const batch = padBatch(train.tokens, longest.slice(0, rows), backbone.config.padId, ladder)
    const { taken, ...step } = await measure(stepper, batch)
    if (!taken) throw await notANumber(prepared, longest.slice(0, rows))
    return step
  }
  try {
    const measured = auto ? await largestFitting(train.rows, availableMemory, take) : await doubling(wanted, take)
    const largest = measured.at(-1)!
    const rows = auto ? largest.rows : wanted
    const { seconds, bytes } = extrapolated(measured, rows)
    const plan = trainingPlan(train.lengths, rows, training.seed, training.group_by_length)
    const steps = plannedSteps(training, plan.stepsPerEpoch)
    progress.end()
    return {
      name: experiment.name,
      device: device.description,
      mode: chooseMode(prepared.experiment, device, steps).mode,
      rows: { train: train.rows, validation: validation.rows, test: test.rows },
      trained_parameters: blueprint.layout.size,
      ...headCount(blueprint.config),
      backbone_parameters: backbone.parameters,
      steps,
      ...(auto && { batch_size_auto: chosen(largest) }),
      measured_batch_size: largest.rows,
      step_seconds: seconds,
      estimated_seconds: seconds * steps,
      ...memoryTaken(),
      peak_memory_bytes: Math.round(bytes),
      fits: largest.rows === rows,
    }
  } finally {
    stepper.free()
    if (model) disposeModel(model)
    closeAll(prepared)
  }
}

/**
 * Prepares with the largest batch that may be chosen: fewer rows per step make more steps, and then replay pays off in
 * any case.
 */
const withMostRows = (experiment: Experiment): Experiment => ({
  ...experiment,
  training: { ...experiment.training, batch_size: MOST_ROWS },
})

/** Without notes, which would be about a batch size that is not the training's. */
const silently = (progress: Progress): Progress => ({ ...progress, note: () => {} })

const chosen = ({ rows, bytes }: Measured): ChosenBatch => ({
  rows,
  peak_memory_bytes: bytes,
  available_bytes: availableMemory(),
})

/**
 * Measures … wanted/4, wanted/2, wanted, as far as they fit: small batches cost little and show what the next will
 * take.
 */
async function doubling(wanted: number, take: (rows: number) => Promise<Measured>): Promise<Measured[]> {
  const sizes = new Set([8, 4, 2, 1].map((part) => Math.ceil(wanted / part)))
  const measured: Measured[] = []
  for (const rows of sizes) {
    if (extrapolated(measured, rows).bytes > availableMemory()) break
    measured.push(await take(rows))
  }
  return measured
}

/** Measures a step after another one, which warms up or captures. */
async function measure(stepper: Stepper, batch: Batch): Promise<Measured & { taken: boolean }> {
  await stepper.step(batch, 0)
  const started = performance.now()
  const { taken } = await stepper.step(batch, 0)
  return { rows: batch.size, seconds: (performance.now() - started) / 1000, bytes: peakMemory(), taken }
}

/** Returns the error that training would throw at its first step. */
async function notANumber({ train }: Pick<Training, 'train'>, places: number[]): Promise<UserError> {
  const lines = (await train.examplesAt(places)).map(({ row }) => row)
  return new UserError({
    at: train.file,
    problem: `a step on lines ${lines.join(', ')} has a loss or gradient that is not a number.`,
    remedy: "Look at those rows; if every row does so, the backbone's weights are too large to be trained.",
  })
}
