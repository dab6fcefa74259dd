import tf from '../tf.cjs'

/** The trained vector and Adam's two moments, each [size], after `step` updates. */
export interface OptimizerState {
  vector: tf.Tensor1D
  first: tf.Tensor1D
  second: tf.Tensor1D
  step: number
}

/** The state before the first step: the given values, moments of zero. */
export function startState(values: Float32Array): OptimizerState {
  const zeros = () => tf.zeros([values.length]) as tf.Tensor1D
  return { vector: tf.tensor1d(values), first: zeros(), second: zeros(), step: 0 }
}

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8

/** Decay of the two moments. */
export const ADAM = { beta1: BETA1, beta2: BETA2 } as const

/**
 * What TensorFlow's fused update, v ← v − rate·m / (√s + ε), needs to be the update below: bias corrections moved into rate and ε.
 * They are made of the decays that float32 knows, which the moments were summed with. `step` counts from 1.
 */
export function fusedAdam(learningRate: number, step: number): { rate: number; epsilon: number } {
  const root = Math.sqrt(1 - Math.fround(BETA2) ** step)
  return { rate: (learningRate * root) / (1 - Math.fround(BETA1) ** step), epsilon: EPSILON * root }
}

/** One update of Adam (Kingma and Ba, arXiv 1412.6980) with bias correction; the ε is added outside the root, as in PyTorch. */
export function adam(state: OptimizerState, gradient: tf.Tensor1D, learningRate: number): OptimizerState {
  const step = state.step + 1
  const first = tf.add(tf.mul(state.first, BETA1), tf.mul(gradient, 1 - BETA1)) as tf.Tensor1D
  const second = tf.add(tf.mul(state.second, BETA2), tf.mul(tf.square(gradient), 1 - BETA2)) as tf.Tensor1D
  const deviation = tf.add(tf.div(tf.sqrt(second), Math.sqrt(1 - BETA2 ** step)), EPSILON)
  const move = tf.mul(tf.div(first, deviation), learningRate / (1 - BETA1 ** step))
  return { vector: tf.sub(state.vector, move) as tf.Tensor1D, first, second, step }
}

/** Scales the gradient so that its norm is at most `limit`: the factor is min(1, limit / (norm + 1e-6)), as in PyTorch. */
export function clipNorm(gradient: tf.Tensor1D, limit: number): { clipped: tf.Tensor1D; norm: tf.Scalar } {
  const norm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar
  const factor = tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)))
  return { clipped: tf.mul(gradient, factor), norm }
}

/** Linear warm-up, then linear decay to 0. Steps count from 0: the first rate is 0 unless there is no warm-up. */
export function learningRate(step: number, schedule: { peak: number; warmup: number; steps: number }): number {
  const { peak, warmup, steps } = schedule
  if (step < warmup) return (peak * step) / warmup
  return peak * Math.max(0, (steps - step) / Math.max(1, steps - warmup))
}
