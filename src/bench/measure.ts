import { randomWeights } from '../backbone/random.js'
import { type Device, startDevice } from '../engine/device.js'
import { dropoutAt } from '../engine/dropout.js'
import { gpuMemory, peakMemory } from '../engine/memory.js'
import { blueprintOf, disposeModel, loadModel, type Model, startVector } from '../engine/model.js'
import { disposeState, type OptimizerState, startState } from '../engine/optimizer.js'
import { startReplay } from '../engine/replay/replay.js'
import { type StepResult, trainingStep } from '../engine/step.js'
import { UserError } from '../error.js'
import { type Batch, wholeBatch } from '../task/batches.js'
import tf from '../tf.cjs'
import {
  GRADIENT_CLIP_NORM,
  type KernelTotal,
  LEARNING_RATE,
  type Measured,
  type Mode,
  SEED,
  type Trial,
  WARM_UP_STEPS,
} from './trial.js'

interface Stepping {
  step(): Promise<StepResult>
  profile?(): Promise<KernelTotal[]>
  free(): void
}

/**
 * Takes a trial's steps in this process and times them.
 * @throws UserError where the engine can't do what the trial asks.
 */
export async function measure(trial: Trial): Promise<Measured> {
  const device = await startDevice({ engine: trial.engine, threads: trial.threads })
  const mode = modeOn(device, trial)
  const { trainedParameters, ...stepping } = await (mode === 'eager' ? eagerly(trial) : replayed(trial, device))
  const times: number[] = []
  let firstStep = 0
  try {
    for (let step = 0; step < WARM_UP_STEPS + trial.steps; step++) {
      const started = performance.now()
      const { loss } = await stepping.step()
      if (!Number.isFinite(loss)) throw new Error(`the loss of step ${step + 1} is ${loss}`)
      if (step === 0) firstStep = performance.now()
      if (step >= WARM_UP_STEPS) times.push(performance.now() - started)
    }
    const peakBytes = peakMemory() // before the profile, which keeps every result
    const gpuBytes = gpuMemory()
    const profile = trial.profile && stepping.profile ? { profile: await stepping.profile() } : {}
    return { device: device.description, mode, trainedParameters, times, firstStep, peakBytes, gpuBytes, ...profile }
  } finally {
    stepping.free()
  }
}

/** `auto` replays where the engine can: how long a training must be to pay for its capture is no question here. */
function modeOn({ engine }: Device, { mode, precision }: Trial): Mode {
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

async function eagerly(trial: Trial): Promise<Stepping & { trainedParameters: number }> {
  const { config, options } = trial
  const read = randomWeights(config, SEED)
  const model = loadModel(config, options, read, SEED)
  const batch = batchOf(trial)
  let state = startState(startVector(model, read, SEED))
  return {
    trainedParameters: model.layout.size,
    async step() {
      const taken = await eagerStep(model, state, batch)
      state = taken.state
      return taken.result
    },
    profile: () =>
      kernelTotals(async () => {
        state = (await eagerStep(model, state, batch)).state
      }),
    free() {
      disposeState(state)
      disposeModel(model)
    },
  }
}

const eagerStep = (model: Model, state: OptimizerState, batch: Batch) =>
  trainingStep(model, state, batch, {
    learningRate: LEARNING_RATE,
    gradientClipNorm: GRADIENT_CLIP_NORM,
    dropout: dropoutAt(model.config.dropout, SEED, state.step),
  })

async function replayed(trial: Trial, { threads }: Device): Promise<Stepping & { trainedParameters: number }> {
  const { config, options, precision } = trial
  const read = randomWeights(config, SEED)
  const blueprint = blueprintOf(config, options)
  const settings = { dropout: config.dropout, gradientClipNorm: GRADIENT_CLIP_NORM, precision, seed: SEED, threads }
  const replay = await startReplay(blueprint, read, settings)
  const { size } = blueprint.layout
  const vector = startVector(blueprint, read, SEED)
  await replay.write({ vector, first: new Float32Array(size), second: new Float32Array(size) })
  const batch = batchOf(trial)
  let count = 0
  return {
    trainedParameters: size,
    step: () => replay.step(batch, count++, LEARNING_RATE),
    free: () => replay.free(),
  }
}

/** Ids spread over the vocabulary, no padding and no </s>. */
function batchOf({ config: { vocabulary }, batchSize, sourceLength, targetLength }: Trial): Batch {
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % (vocabulary - 2)))
  return wholeBatch({ sourceIds: ids(batchSize * sourceLength), targetIds: ids(batchSize * targetLength) }, batchSize)
}

/** Kernels of a step, the longest in all first. */
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
