import type { Experiment } from '../experiment/schema.js'
import type { Progress } from '../progress.js'
import { padBatch } from '../task/batches.js'
import { type DeviceOptions, startDevice } from './device.js'
import { dropoutAt } from './dropout.js'
import { disposeModel, startVector } from './model.js'
import { startState } from './optimizer.js'
import { peakMemory } from './pace.js'
import { prepareModel } from './prepare.js'
import { disposeState, trainingStep } from './step.js'
import { closeAll, prepare } from './train.js'

/** What a training would be, measured with steps on its longest rows; nothing is written. */
export interface Plan {
  name: string
  device: string
  rows: { train: number; validation: number; test: number }
  trained_parameters: number
  backbone_parameters: number
  steps: number
  /** Seconds of one step on the longest rows, so at most that a step. */
  step_seconds: number
  estimated_seconds: number
  peak_memory_bytes: number
}

/** Prepares a training as `train` would and takes two steps: the first warms up, the second is timed. */
export async function dryRun(
  experiment: Experiment,
  { progress, ...options }: DeviceOptions & { progress: Progress },
): Promise<Plan> {
  const prepared = await prepare(experiment, progress)
  const { train, validation, test, steps, backbone } = prepared
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  const model = prepareModel(prepared.experiment, backbone, progress)
  progress.phase('Two steps on the longest rows')
  const { batch_size, seed, gradient_clip_norm } = prepared.experiment.training
  const longest = [...train.lengths.keys()].sort((a, b) => train.lengths[b]! - train.lengths[a]!).slice(0, batch_size)
  const batch = padBatch(train.tokens, longest)
  let state = startState(startVector(model, backbone.files.read, seed))
  let seconds = 0
  for (let step = 0; step < 2; step++) {
    const started = performance.now()
    const dropout = dropoutAt(prepared.experiment.training.dropout!, seed, step)
    state = (
      await trainingStep(model, state, batch, { learningRate: 0, gradientClipNorm: gradient_clip_norm, dropout })
    ).state
    seconds = (performance.now() - started) / 1000
  }
  disposeState(state)
  disposeModel(model)
  closeAll(prepared)
  progress.end()
  return {
    name: experiment.name,
    device: device.description,
    rows: { train: train.rows, validation: validation.rows, test: test.rows },
    trained_parameters: model.layout.size,
    backbone_parameters: backbone.parameters,
    steps,
    step_seconds: seconds,
    estimated_seconds: seconds * steps,
    peak_memory_bytes: peakMemory(),
  }
}
