import tf from '../../tensor/tf.cjs'
import type { Layout } from '../model/layout.js'

/** What optimisers keep next to the trained vector, by the names in checkpoints: flat vectors. */
export interface Moments<T> {
  /** Adam's first moment [size]. */
  first?: T
  /** Adam's second moment [size]. */
  second?: T
  /**
   * Adafactor's second moment, tensor by tensor: means of rows, then of columns; for a tensor with one dimension all of
   * it.
   */
  factors?: T
}

const MOMENTS = ['first', 'second', 'factors'] as const satisfies (keyof Moments<unknown>)[]

/** The trained vector [size] and what the optimiser keeps. */
export interface Kept<T> extends Moments<T> {
  vector: T
}

/** The vectors after `step` updates. */
export interface OptimizerState extends Kept<tf.Tensor1D> {
  step: number
}

/** An optimiser of the flat trained vector. */
export interface Optimizer {
  name: 'adam' | 'adamw' | 'adafactor'
  /** Lengths of the vectors that it keeps next to the trained one. */
  moments(layout: Layout): Moments<number>
  /** Returns the numbers that the update of a step needs; steps count from 1. */
  numbers(learningRate: number, step: number): Record<string, number>
  /** Updates by a gradient [size], which is clipped already; `numbers` are scalars on the device. */
  update(
    kept: Kept<tf.Tensor1D>,
    gradient: tf.Tensor1D,
    numbers: Record<string, tf.Scalar>,
    layout: Layout,
  ): Kept<tf.Tensor1D>
}

/**
 * Takes an optimiser's update, with tensors that have a learning rate of their own: v + ρ·(v₁ − v), where v₁ is the
 * update with the training's rate. Every optimiser here is linear in the rate, its weight decay too.
 */
export function updated(optimizer: Optimizer, ...[kept, gradient, numbers, layout]: Parameters<Optimizer['update']>) {
  const after = optimizer.update(kept, gradient, numbers, layout)
  if (!hasRelativeRates(layout)) return after
  const { specs, sizes } = layout
  const rates = tf.concat1d(specs.map(({ relativeRate = 1 }, i) => tf.fill([sizes[i]!], relativeRate) as tf.Tensor1D))
  const move = tf.mul(tf.sub(after.vector, kept.vector), rates)
  return { ...after, vector: tf.add(kept.vector, move) as tf.Tensor1D }
}

/** Whether some tensors have a learning rate of their own. */
export const hasRelativeRates = ({ specs }: Layout): boolean => specs.some(({ relativeRate = 1 }) => relativeRate !== 1)

/** Both of Adam's moments. */
export const twoMoments = (size: number): Moments<number> => ({ first: size, second: size })

/** Returns the vectors by name, in a fixed order: the trained vector first. */
export function keptOf<T>({ vector, ...others }: Kept<T>): [keyof Kept<T>, T][] {
  const moments = MOMENTS.flatMap((name) => (others[name] === undefined ? [] : [[name, others[name]] as const]))
  return [['vector', vector], ...moments] as [keyof Kept<T>, T][]
}

/** Returns the state before the first step: the given values, and moments of zero. */
export function startState(values: Float32Array, moments: Moments<number> = twoMoments(values.length)): OptimizerState {
  const zeros = Object.entries(moments).map(([name, length]) => [name, tf.zeros([length])])
  return { vector: tf.tensor1d(values), ...Object.fromEntries(zeros), step: 0 }
}

export const disposeState = (state: OptimizerState): void => tf.dispose(keptOf(state).map(([, tensor]) => tensor))

/** Returns the values of a state. */
export async function valuesOf(state: Kept<tf.Tensor1D>): Promise<Kept<Float32Array>> {
  const read = keptOf(state).map(async ([name, tensor]) => [name, await tensor.data()] as const)
  return Object.fromEntries(await Promise.all(read)) as unknown as Kept<Float32Array>
}

/** Returns the state with these values. */
export function stateWith(values: Kept<Float32Array>, step: number): OptimizerState {
  const tensors = keptOf(values).map(([name, data]) => [name, tf.tensor1d(data)])
  return { ...(Object.fromEntries(tensors) as Kept<tf.Tensor1D>), step }
}

/**
 * Scales the gradient so that its norm is at most `limit`: the factor is min(1, limit / (norm + 1e-6)), as in PyTorch.
 */
export function clipNorm(gradient: tf.Tensor1D, limit: number): { clipped: tf.Tensor1D; norm: tf.Scalar } {
  const norm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar
  const factor = tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)))
  return { clipped: tf.mul(gradient, factor), norm }
}
