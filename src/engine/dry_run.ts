import { UserError } from '../error.js'
import type { Experiment } from '../experiment/schema.js'
import type { Progress } from '../progress.js'
import { type Batch, padBatch } from '../task/batches.js'
import { type DeviceOptions, startDevice } from './device.js'
import { memoryTaken, peakMemory, systemAvailable } from './memory.js'
import { blueprintOf, disposeModel, startVector } from './model.js'
import { startState } from './optimizer.js'
import { optimizerOf } from './optimizers.js'
import { prepareModel, preparePadding } from './prepare.js'
import { startFrom } from './start_from.js'
import { chooseMode, type Stepper, startStepper } from './stepper.js'
import { closeAll, prepare } from './train.js'
import type { Training } from './trainer.js'

/** What a training would be, measured with steps on its longest rows; nothing is written. */
export interface Plan {
  name: string
  device: string
  mode: Stepper['mode']
  rows: { train: number; validation: number; test: number }
  trained_parameters: number
  backbone_parameters: number
  steps: number
  /** Rows of the largest batch that a step was taken with: batch_size where the memory is enough for it. */
  measured_batch_size: number
  /** Seconds of one step on the longest rows, so at most that a step; beyond the measured batch by proportion. */
  step_seconds: number
  estimated_seconds: number
  peak_memory_bytes: number
  /** Memory of the GPU for the measured batch, on `webgpu`. How much the GPU has is not known. */
  gpu_memory_bytes?: number
  /** Whether the machine's memory that is free now is enough. */
  fits: boolean
}

/** Steps of one batch size: how long one takes, and the most memory so far. */
interface Measured {
  rows: number
  seconds: number
  bytes: number
}

/**
 * Prepares a training as `train` would and takes steps on its longest rows, with a batch that doubles up to
 * `batch_size` as long as the next one will fit into the memory; what it can't try it extrapolates.
 */
export async function dryRun(
  experiment: Experiment,
  { progress, ...options }: DeviceOptions & { progress: Progress },
): Promise<Plan> {
  const prepared = await prepare(experiment, progress)
  const { train, validation, test, steps, backbone } = prepared
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  const { mode } = chooseMode(prepared.experiment, device, steps)
  const { ladder } = preparePadding(prepared, mode)
  const blueprint = blueprintOf(backbone.config, prepared.experiment.method)
  startFrom(prepared.experiment, blueprint, backbone.files)
  const model = mode === 'eager' ? prepareModel(prepared.experiment, backbone, progress) : undefined
  const { training } = prepared.experiment
  const { batch_size, seed } = training
  const vector = startVector(blueprint, backbone.files.read, seed)
  const state = startState(vector, optimizerOf(training).moments(blueprint.layout))
  const session = { ...backbone.files, threads: device.threads }
  const stepper = await startStepper(model, blueprint, prepared.experiment, state, session)
  const wanted = Math.min(batch_size, train.rows)
  const longest = [...train.lengths.keys()].sort((a, b) => train.lengths[b]! - train.lengths[a]!).slice(0, wanted)
  try {
    const measured: Measured[] = []
    for (const rows of doublings(wanted)) {
      if (extrapolated(measured, rows).bytes > availableMemory()) break
      progress.phase(`Two steps on the ${rows} longest rows`)
      const batch = padBatch(train.tokens, longest.slice(0, rows), backbone.config.padId, ladder)
      const { taken, ...step } = await measure(stepper, batch)
      if (!taken) throw await notANumber(prepared, longest.slice(0, rows))
      measured.push(step)
    }
    const { seconds, bytes } = extrapolated(measured, wanted)
    progress.end()
    return {
      name: experiment.name,
      device: device.description,
      mode,
      rows: { train: train.rows, validation: validation.rows, test: test.rows },
      trained_parameters: blueprint.layout.size,
      backbone_parameters: backbone.parameters,
      steps,
      measured_batch_size: measured.at(-1)!.rows,
      step_seconds: seconds,
      estimated_seconds: seconds * steps,
      ...memoryTaken(),
      peak_memory_bytes: Math.round(bytes),
      fits: measured.at(-1)!.rows === wanted,
    }
  } finally {
    stepper.free()
    if (model) disposeModel(model)
    closeAll(prepared)
  }
}

/** … wanted/4, wanted/2, wanted: small ones cost little and tell what the next will take. */
function doublings(wanted: number): number[] {
  const sizes = [8, 4, 2, 1].map((part) => Math.ceil(wanted / part))
  return [...new Set(sizes)]
}

/** The first of the two steps warms up, or captures. */
async function measure(stepper: Stepper, batch: Batch): Promise<Measured & { taken: boolean }> {
  await stepper.step(batch, 0)
  const started = performance.now()
  const { taken } = await stepper.step(batch, 0)
  return { rows: batch.size, seconds: (performance.now() - started) / 1000, bytes: peakMemory(), taken }
}

/** What training would say at its first step. */
async function notANumber({ train }: Pick<Training, 'train'>, places: number[]): Promise<UserError> {
  const lines = (await train.examplesAt(places)).map(({ row }) => row)
  return new UserError({
    at: train.file,
    problem: `a step on lines ${lines.join(', ')} has a loss or gradient that is no number.`,
    remedy: "Look at those rows; if every row does so, the backbone's weights are too large to be trained.",
  })
}

/** A line through the last two measurements; time and memory grow at most like that, since both have a fixed part. */
function extrapolated(measured: Measured[], rows: number): Measured {
  const [before, last] = measured.slice(-2)
  if (before === undefined) return { rows, seconds: 0, bytes: 0 }
  if (last === undefined) return rows === before.rows ? before : scaled(before, rows)
  const share = (rows - last.rows) / (last.rows - before.rows)
  return {
    rows,
    seconds: last.seconds + share * Math.max(0, last.seconds - before.seconds),
    bytes: last.bytes + share * Math.max(0, last.bytes - before.bytes),
  }
}

const scaled = ({ rows: measured, seconds, bytes }: Measured, rows: number): Measured => ({
  rows,
  seconds: (seconds * rows) / measured,
  bytes: bytes + ((rows - measured) / measured) * Math.max(0, bytes - BASE_BYTES),
})

/** Node and TensorFlow themselves, about. */
const BASE_BYTES = 500e6

/** Bytes that this process may have in all: what it has, and what the system can still give. */
function availableMemory(): number {
  return process.memoryUsage().rss + systemAvailable()
}
