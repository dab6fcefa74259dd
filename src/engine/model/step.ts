import '@tensorflow/tfjs' // registers the gradients of the ops: in Node, tfjs-core alone has none
import { type At, type Pass, unnamed } from '../../backbone/pass.js'
import type { Inputs, TargetValues } from '../../objective/objective.js'
import { type Batch, mapInputs, shapeOf } from '../../task/tokens/batches.js'
import type { Dropout } from '../../tensor/dropout.js'
import tf from '../../tensor/tf.cjs'
import { adam } from '../optimizer/adam.js'
import { clipNorm, disposeState, type Optimizer, type OptimizerState, updated } from '../optimizer/optimizer.js'
import { type After, atOnce, checkpointingActivations, type MakePass } from './checkpoint_activations.js'
import { flatten, type Layout, unflatten } from './layout.js'
import { type Model, passOf } from './model.js'

export interface StepOptions {
  learningRate: number
  /** The largest norm of the gradient. */
  gradientClipNorm: number
  /** Adam by default. */
  optimizer?: Optimizer
  dropout: Dropout
  labelSmoothing?: number
  /** Whether a layer's tensors are dropped and computed again for the gradient. */
  checkpointActivations?: boolean
}

/** What a step measured, before its update: the mean loss (nats), norm of the unclipped gradient. */
export interface StepResult {
  loss: number
  gradientNorm: number
}

/**
 * Whether a step with this result moves the state. It does not where the loss or the gradient is not a number, such as
 * in float32's overflow: the state then stays as it was. `onlyIfFinite` in capture/update.ts says the same in a graph.
 */
export const movesState = ({ loss, gradientNorm }: StepResult): boolean =>
  Number.isFinite(loss) && Number.isFinite(gradientNorm)

/** A batch's inputs on the device, each [size, length]. */
export const tensorsOf = (batch: Batch): Inputs<tf.Tensor2D> =>
  mapInputs(batch.inputs, (values: TargetValues, name) =>
    tf.tensor2d(values, shapeOf(batch, name), values instanceof Int32Array ? 'int32' : 'float32'),
  )

/** The mean loss of a batch [], as its objective has it. */
export function batchLoss(pass: Pass, batch: Batch, labelSmoothing?: number): tf.Scalar {
  return pass.at('loss', () => batch.objective.loss(pass, tensorsOf(batch), labelSmoothing))
}

/** How a loss is computed. */
export interface LossOptions {
  /** Share of a target token's probability that is spread over the vocabulary; 0 by default. */
  labelSmoothing?: number | undefined
  /** Orders operations; if it is given, layers are dropped and computed again. */
  after?: After | undefined
  /** Called with the part of the model that is computed, where that is recorded. */
  at?: At
}

/**
 * Returns the loss and the gradient of every trained tensor, as one flat vector. Back-propagation ends at the lowest
 * trained tensor.
 */
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

/** Takes one training step, as `stepBy`. */
export function trainingStep(model: Model, state: OptimizerState, batch: Batch, options: StepOptions) {
  const { dropout, checkpointActivations, labelSmoothing } = options
  const after = checkpointActivations ? atOnce : undefined
  const make = () => lossAndGradient(model, state.vector, batch, dropout, { labelSmoothing, after })
  return stepBy(model.layout, state, make, options)
}

/**
 * Clips the gradient that `make` returns and updates the state with it. Returns the new state and frees the old one,
 * unless loss or gradient is not a number: then the state is unchanged.
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
    return { next: { ...updated(optimizer, state, clipped, scalars, layout) }, loss, norm }
  })
  const result = { loss: (await loss.data())[0]!, gradientNorm: (await norm.data())[0]! }
  tf.dispose([loss, norm])
  const after = { ...next, step }
  const [kept, freed] = movesState(result) ? [after, state] : [state, after]
  disposeState(freed)
  return { state: kept, result }
}
