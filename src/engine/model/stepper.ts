import type { Mode } from '../../base/choices.js'
import { collectGarbage } from '../../base/collect_garbage.js'
import { UserError } from '../../base/error.js'
import type { Experiment } from '../../experiment/schema.js'
import type { Device } from '../../run/manifest.js'
import type { Batch } from '../../task/tokens/batches.js'
import { dropoutAt } from '../../tensor/dropout.js'
import tf from '../../tensor/tf.cjs'
import { runningLibrary } from '../graph/start.js'
import { disposeState, type OptimizerState, stateWith, valuesOf } from '../optimizer/optimizer.js'
import { optimizerOf } from '../optimizer/optimizers.js'
import { type Replay, type ReplayOptions, startReplay } from '../replay/replay.js'
import { accumulating } from './accumulate.js'
import { atOnce } from './checkpoint_activations.js'
import { eagerDecoder, type LossDecoder } from './decoder.js'
import type { Blueprint, Model, ReadTensor } from './model.js'
import type { Gradient, Share } from './share.js'
import { lossAndGradient, movesState, type StepResult, stepBy, trainingStep } from './step.js'

/**
 * The number of steps from which a captured training pays for its captures; see docs/benchmarks.md, "When a capture
 * pays".
 */
const REPLAY_FROM = 20

/** Takes the steps of a training run. */
export interface Stepper {
  mode: Mode
  /**
   * Takes one step from the state; returns false where loss or gradient is not a number, and then the state is
   * unchanged.
   */
  step(batch: Batch, learningRate: number): Promise<{ taken: boolean; result: StepResult }>
  /** Returns the current state. It belongs to the stepper and is valid until the next step. */
  state(): Promise<OptimizerState>
  /** Decodes with the current trained values, or with others, until the next step. */
  decoder(vector?: Float32Array): Promise<LossDecoder>
  /** Steps taken so far. */
  readonly count: number
  free(): void
}

/** A stepper whose step can be taken in two parts: gradients of parts of a batch, then one update with their sum. */
export interface PartStepper extends Stepper {
  /** The number of trained values. */
  readonly size: number
  /** Returns loss and gradient of some rows with the masks of this step; the state is unchanged. */
  gradient(share: Share): Promise<Gradient>
  /** Takes the step with a whole batch's loss and gradient, as `step`. */
  update(gradient: Gradient, learningRate: number): ReturnType<Stepper['step']>
}

type SessionOptions = { read: ReadTensor } & Pick<ReplayOptions, 'threads' | 'onGraph'>

/**
 * Returns how a training run's steps are taken, and why. `engine_mode: auto` replays training runs that are long
 * enough, where it can.
 */
export function chooseMode(
  { training }: Experiment,
  { engine }: Pick<Device, 'engine'>,
  steps: number,
): { mode: Stepper['mode']; why: string } {
  const { engine_mode, precision } = training
  if (engine !== 'tensorflow') {
    if (engine_mode === 'replay' || precision === 'bfloat16') throw needsTensorflow(training, engine)
    return { mode: 'eager', why: `${engine} has no replay` }
  }
  if (engine_mode !== 'auto') {
    if (engine_mode === 'eager' && precision === 'bfloat16') throw eagerIsFloat32()
    return { mode: engine_mode, why: 'as training.engine_mode says' }
  }
  if (precision === 'bfloat16') return { mode: 'replay', why: 'bfloat16 needs it' }
  const missing = whyNoReplay()
  if (missing) return { mode: 'eager', why: `no replay: ${missing}` }
  return steps >= REPLAY_FROM
    ? { mode: 'replay', why: `${steps} steps` }
    : { mode: 'eager', why: `${steps} steps; a capture pays from ${REPLAY_FROM}` }
}

/** Says what part of the C API is missing here. */
function whyNoReplay(): string | undefined {
  try {
    runningLibrary()
    return undefined
  } catch (error) {
    return (error as Error).message.split('\n')[0]
  }
}

/**
 * Starts the steps of a training run on this machine: op by op if the model is on the device, otherwise as captured
 * graphs; some rows at a time if `micro_batch_size` says so.
 */
export async function startStepper(
  model: Model | undefined,
  blueprint: Blueprint,
  experiment: Experiment,
  state: OptimizerState,
  session: SessionOptions,
): Promise<PartStepper> {
  const whole = model
    ? eagerStepper(model, experiment, state)
    : await replayStepper(blueprint, experiment, state, session)
  const { micro_batch_size: most } = experiment.training
  return most ? accumulating(whole, most) : whole
}

/** The settings of an experiment that steps depend on. */
export interface StepSettings {
  training: Pick<
    Experiment['training'],
    | 'checkpoint_activations'
    | 'dropout'
    | 'gradient_clip_norm'
    | 'label_smoothing'
    | 'optimizer'
    | 'precision'
    | 'seed'
    | 'weight_decay'
  >
}

/** Takes steps on tfjs's tape, op by op. Frees the given state as it goes. */
export function eagerStepper(model: Model, experiment: StepSettings, state: OptimizerState): PartStepper {
  const { dropout, seed, gradient_clip_norm: gradientClipNorm, checkpoint_activations } = experiment.training
  const { label_smoothing: labelSmoothing } = experiment.training
  const optimizer = optimizerOf(experiment.training)
  let current = state
  const masksOf = ({ batch, first = 0 }: Share) => {
    const part = first > 0 ? { first: Int32Array.of(first), rows: batch.size } : undefined
    return dropoutAt(dropout ?? model.config.dropout, seed, current.step, part)
  }
  const take = ({ state: next, result }: Awaited<ReturnType<typeof stepBy>>) => {
    const taken = next !== current
    current = next
    return { taken, result }
  }
  return {
    mode: 'eager',
    size: model.layout.size,
    get count() {
      return current.step
    },
    async step(batch, learningRate) {
      const options = {
        learningRate,
        gradientClipNorm,
        optimizer,
        labelSmoothing,
        dropout: masksOf({ batch }),
        checkpointActivations: checkpoint_activations,
      }
      return take(await trainingStep(model, current, batch, options))
    },
    async gradient(share) {
      const after = checkpoint_activations ? atOnce : undefined
      const options = { labelSmoothing, after }
      const made = tf.tidy(() => lossAndGradient(model, current.vector, share.batch, masksOf(share), options))
      const [loss, values] = [await made.loss.data(), (await made.gradient.data()) as Float32Array]
      tf.dispose([made.loss, made.gradient])
      return { loss: loss[0]!, values }
    },
    async update({ loss, values }, learningRate) {
      const given = () => ({ loss: tf.scalar(loss), gradient: tf.tensor1d(values) })
      return take(await stepBy(model.layout, current, given, { learningRate, gradientClipNorm, optimizer }))
    },
    state: async () => current,
    decoder: async (vector) => decoderOf(model, vector ?? current.vector),
    free: () => disposeState(current),
  }
}

/** Decodes op by op, with values or with a vector that the caller keeps. */
export function decoderOf(model: Model, vector: tf.Tensor1D | Float32Array): LossDecoder {
  if (vector instanceof tf.Tensor) return eagerDecoder(model, vector)
  const own = tf.tensor1d(vector)
  const { dispose, ...decoder } = eagerDecoder(model, own)
  return {
    ...decoder,
    dispose() {
      dispose()
      own.dispose()
    },
  }
}

/** Takes steps as captured graphs in a session of TensorFlow. Frees the given state. */
export async function replayStepper(
  blueprint: Blueprint,
  experiment: StepSettings,
  state: OptimizerState,
  { read, threads, onGraph }: SessionOptions,
): Promise<PartStepper> {
  const { dropout, label_smoothing, seed, gradient_clip_norm, checkpoint_activations, precision } = experiment.training
  const replay = await startReplay(blueprint, read, {
    dropout: dropout ?? blueprint.config.dropout,
    labelSmoothing: label_smoothing,
    gradientClipNorm: gradient_clip_norm,
    optimizer: optimizerOf(experiment.training),
    checkpointActivations: checkpoint_activations,
    precision,
    seed,
    threads,
    ...(onGraph && { onGraph }),
  })
  await replay.write(await valuesOf(state))
  return replaying(replay, state)
}

function replaying(replay: Replay, start: OptimizerState): PartStepper {
  const { size } = start.vector
  let count = start.step
  /** What the session holds, in this process's own memory: as much as it again, so only between steps. */
  let read: OptimizerState | undefined = start
  const release = () => {
    if (!read) return
    disposeState(read)
    read = undefined
    collectGarbage()
  }
  const take = (result: StepResult) => {
    const taken = movesState(result)
    if (taken) count++
    return { taken, result }
  }
  return {
    mode: 'replay',
    size,
    get count() {
      return count
    },
    async step(batch, learningRate) {
      release()
      return take(await replay.step(batch, count, learningRate))
    },
    gradient(share) {
      release()
      return replay.gradient(share, count)
    },
    async update(gradient, learningRate) {
      release()
      return take(await replay.update(gradient, count, learningRate))
    },
    async state() {
      read ??= stateWith(await replay.read(), count)
      return read
    },
    decoder: (vector) => replay.decoder(vector),
    free() {
      release()
      replay.free()
    },
  }
}

const needsTensorflow = ({ engine_mode, precision }: Experiment['training'], engine: string) =>
  new UserError({
    at: engine_mode === 'replay' ? 'training.engine_mode' : 'training.precision',
    problem: `is ${engine_mode === 'replay' ? engine_mode : precision}, which the engine ${engine} does not have.`,
    remedy: 'Use --engine tensorflow.',
  })

const eagerIsFloat32 = () =>
  new UserError({
    at: 'training.precision',
    problem: 'is bfloat16, which the eager engine does not have.',
    remedy: 'Set training.engine_mode to replay or auto.',
  })
