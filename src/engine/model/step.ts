import '@tensorflow/tfjs' // registers the gradients of the ops: in Node, tfjs-core alone has none
import { decode, head, remember } from '../../backbone/forward.js'
import { type At, type Pass, unnamed } from '../../backbone/pass.js'
import type { Batch } from '../../task/tokens/batches.js'
import { crossEntropy } from '../../tensor/cross_entropy.js'
import type { Dropout } from '../../tensor/dropout.js'
import tf from '../../tensor/tf.cjs'
import { adam } from '../optimizer/adam.js'
import { clipNorm, disposeState, type Optimizer, type OptimizerState } from '../optimizer/optimizer.js'
import { type After, atOnce, checkpointingActivations, type MakePass } from './checkpoint_activations.js'
import { encodeSources } from './generate.js'
import { flatten, type Layout, unflatten } from './layout.js'
import { type Model, passOf } from './model.js'

export interface StepOptions {
  learningRate: number
  /** Largest norm of the gradient. */
  gradientClipNorm: number
  /** Adam by default. */
  optimizer?: Optimizer
  dropout: Dropout
  labelSmoothing?: number
  /** Whether a layer's tensors are forgotten and made again for the gradient. */
  checkpointActivations?: boolean
}

/** What a step measured, before its update: mean loss a target token (nats), norm of the unclipped gradient. */
export interface StepResult {
  loss: number
  gradientNorm: number
}

/** Logits [batch·target length, vocabulary] of a batch under teacher forcing. */
export function batchLogits(pass: Pass, batch: Batch): tf.Tensor2D {
  const target = tf.tensor2d(batch.targetIds, [batch.size, batch.targetLength], 'int32')
  const memory = remember(pass, encodeSources(pass, batch), batch.targetLength)
  return head(pass, decode(pass, shiftRight(pass, target), memory).hidden)
}

/** The decoder's input: labels moved right by one, the start token in front. labels, result [batch, length] int32 */
function shiftRight(pass: Pass, labels: tf.Tensor2D): tf.Tensor2D {
  const [batch, length] = labels.shape
  const start = tf.fill([batch, 1], pass.config.decoderStartId, 'int32') as tf.Tensor2D
  return tf.concat([start, tf.slice(labels, [0, 0], [batch, length - 1])], 1)
}

/** Mean cross-entropy of a batch over its target tokens, </s> included. */
export function batchLoss(pass: Pass, batch: Batch, labelSmoothing?: number): tf.Scalar {
  return pass.at('loss', () => {
    const [labels, mask] = [tf.tensor1d(batch.targetIds, 'int32'), tf.tensor1d(batch.targetMask, 'int32')]
    return crossEntropy(batchLogits(pass, batch), labels, mask, labelSmoothing)
  })
}

/** How a loss is made. */
export interface LossOptions {
  /** Share of a target token's probability that is spread over the vocabulary; 0 by default. */
  labelSmoothing?: number | undefined
  /** In which order things are done; where it is given, layers are forgotten and made again. */
  after?: After | undefined
  /** Told which part of the model is computed, where that is recorded. */
  at?: At
}

/** Loss and the gradient of every trained tensor, as one flat vector. Back-propagation ends at the lowest trained tensor. */
export function lossAndGradient(
  model: Model,
  vector: tf.Tensor1D,
  batch: Batch,
  dropout: Dropout,
  { labelSmoothing, after, at = unnamed }: LossOptions = {},
) {
  const views = at('trained', () => unflatten(model.layout, vector))
  const passWith: MakePass = (views, used) => ({ ...passOf(model, views, dropout, used), at })
  const pass = () => (after ? checkpointingActivations(passWith, views, after) : passWith(views))
  return at('gradient', () => {
    const loss = () => batchLoss(pass(), batch, labelSmoothing)
    const { value, grads } = tf.engine().gradients(loss, views, undefined, true)
    return { loss: value as tf.Scalar, gradient: flatten(model.layout, grads) }
  })
}

/** One training step, as `stepBy`. */
export function trainingStep(model: Model, state: OptimizerState, batch: Batch, options: StepOptions) {
  const { dropout, checkpointActivations, labelSmoothing } = options
  const after = checkpointActivations ? atOnce : undefined
  const make = () => lossAndGradient(model, state.vector, batch, dropout, { labelSmoothing, after })
  return stepBy(model.layout, state, make, options)
}

/**
 * Clips the gradient that `make` gives and moves the state by it. Gives the state after that and frees the one before,
 * unless loss or gradient is no number: then the state stays as it was.
 */
export async function stepBy(
  layout: Layout,
  state: OptimizerState,
  make: () => { loss: tf.Scalar; gradient: tf.Tensor1D },
  { learningRate, gradientClipNorm, optimizer = adam }: Omit<StepOptions, 'dropout'>,
): Promise<{ state: OptimizerState; result: StepResult }> {
  const step = state.step + 1
  const numbers = Object.entries(optimizer.numbers(learningRate, step))
  const { next, loss, norm } = tf.tidy(() => {
    const { loss, gradient } = make()
    const { clipped, norm } = clipNorm(gradient, gradientClipNorm)
    const scalars = Object.fromEntries(numbers.map(([name, number]) => [name, tf.scalar(number)]))
    return { next: { ...optimizer.update(state, clipped, scalars, layout) }, loss, norm }
  })
  const result = { loss: (await loss.data())[0]!, gradientNorm: (await norm.data())[0]! }
  tf.dispose([loss, norm])
  const finite = Number.isFinite(result.loss) && Number.isFinite(result.gradientNorm)
  const after = { ...next, step }
  disposeState(finite ? state : after)
  return { state: finite ? after : state, result }
}
