import type { Mode } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { alone, type Ranks } from '../engine/cluster/ranks.js'
import { ranksStepper } from '../engine/cluster/stepper.js'
import { startDevice } from '../engine/device/device.js'
import { gpuMemory, peakMemory } from '../engine/device/memory.js'
import { blueprintOf, disposeModel, loadModel, startVector } from '../engine/model/model.js'
import { eagerStepper, replayStepper, type StepSettings } from '../engine/model/stepper.js'
import { startState } from '../engine/optimizer/optimizer.js'
import type { Device } from '../run/manifest.js'
import tf from '../tensor/tf.cjs'
import { measuredBatch } from './measured_batch.js'
import { randomWeights } from './random_weights.js'
import {
  GRADIENT_CLIP_NORM,
  type KernelTotal,
  LEARNING_RATE,
  type Measured,
  SEED,
  type Trial,
  WARM_UP_STEPS,
} from './trial.js'

/**
 * Takes a trial's steps in this process, or its share of them as one of the ranks, and times them.
 * @throws UserError where the engine can't do what the trial asks.
 */
export async function measure(trial: Trial, ranks: Ranks = alone): Promise<Measured> {
  const device = await startDevice({ engine: trial.engine, threads: trial.threads })
  const mode = modeOn(device, trial)
  const own = await stepperOf(trial, mode, device.threads)
  const stepper = ranks.size > 1 ? ranksStepper(own, ranks, () => false) : own
  const batch = measuredBatch(trial)
  const times: number[] = []
  let firstStep = 0
  try {
    for (let step = 0; step < WARM_UP_STEPS + trial.steps; step++) {
      const started = performance.now()
      const { taken, result } = await stepper.step(batch, LEARNING_RATE)
      if (!taken) throw new Error(`step ${step + 1} has loss ${result.loss} and gradient norm ${result.gradientNorm}`)
      if (step === 0) firstStep = performance.now()
      if (step >= WARM_UP_STEPS) times.push(performance.now() - started)
    }
    const peakBytes = peakMemory() // before the profile, which keeps every result
    const measured = { device: device.description, mode, trainedParameters: own.size, times, firstStep, peakBytes }
    const step = async () => void (await stepper.step(batch, LEARNING_RATE))
    return {
      ...measured,
      gpuBytes: gpuMemory(),
      ...(trial.profile && mode === 'eager' && { profile: await kernelTotals(step) }),
    }
  } finally {
    stepper.free()
  }
}

/**
 * Returns the mode: `auto` replays where the engine can, without asking whether a training run is long enough to pay
 * for the capture.
 */
export function modeOn({ engine }: Device, { mode, precision }: Pick<Trial, 'mode' | 'precision'>): Mode {
  const chosen = mode === 'auto' ? (engine === 'tensorflow' ? 'replay' : 'eager') : mode
  if (chosen === 'replay' && engine !== 'tensorflow') {
    throw new UserError({
      at: '--mode replay',
      problem: `the engine ${engine} has no replay.`,
      remedy: 'Use --engine tensorflow or --mode eager.',
    })
  }
  if (chosen === 'eager' && precision === 'bfloat16') {
    throw new UserError({
      at: '--precision bfloat16',
      problem: 'steps taken op by op compute in float32 only.',
      remedy: engine === 'tensorflow' ? 'Use --mode replay.' : 'Use --engine tensorflow.',
    })
  }
  return chosen
}

/** Makes what takes a trial's steps, with random weights. */
export async function stepperOf(
  { config, options, precision }: Pick<Trial, 'config' | 'options' | 'precision'>,
  mode: Mode,
  threads: number,
) {
  const read = randomWeights(config, SEED)
  const settings: StepSettings = {
    training: {
      ...{ seed: SEED, precision, gradient_clip_norm: GRADIENT_CLIP_NORM, dropout: config.dropout, label_smoothing: 0 },
      ...{ optimizer: 'adam', weight_decay: 0, checkpoint_activations: false },
    },
  }
  const blueprint = blueprintOf(config, options)
  const state = startState(startVector(blueprint, read, SEED))
  if (mode === 'replay') return replayStepper(blueprint, settings, state, { read, threads })
  const model = loadModel(config, options, read, SEED)
  const stepper = eagerStepper(model, settings, state)
  return {
    ...stepper,
    free() {
      stepper.free()
      disposeModel(model)
    },
  }
}

/** Returns the kernels of a step, those with the longest total time first. */
async function kernelTotals(step: () => Promise<void>): Promise<KernelTotal[]> {
  tf.env().set('CHECK_COMPUTATION_FOR_ERRORS', false) // it would read every result back
  const { kernels } = await tf.profile(async () => {
    await step()
    return []
  })
  const totals = new Map<string, KernelTotal>()
  for (const { name, kernelTimeMs } of kernels) {
    const total = totals.get(name) ?? { kernel: name, calls: 0, ms: 0 }
    const ms = Number(await kernelTimeMs)
    totals.set(name, { ...total, calls: total.calls + 1, ms: total.ms + ms })
  }
  return [...totals.values()].sort((a, b) => b.ms - a.ms)
}
