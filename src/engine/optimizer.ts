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

/** Decay of the two moments, as float32 knows it: bias corrections are made of what the moments are summed with. */
export const ADAM = { beta1: Math.fround(BETA1), beta2: Math.fround(BETA2) } as const

/** Rate and ε of v ← v − rate·m / (√s + ε) with the bias corrections of a step, counted from 1, moved into them. */
export function correctedRate(learningRate: number, step: number): { rate: number; epsilon: number } {
  const root = Math.sqrt(1 - ADAM.beta2 ** step)
  return { rate: (learningRate * root) / (1 - ADAM.beta1 ** step), epsilon: EPSILON * root }
}

/**
 * One update of Adam (Kingma and Ba, arXiv 1412.6980) with bias correction; ε is outside the root of the corrected moment, as in
 * PyTorch. In the order of TensorFlow's fused update, so that a replayed step gives the same bits.
 */
export function adam(state: OptimizerState, gradient: tf.Tensor1D, learningRate: number): OptimizerState {
  const step = state.step + 1
  const { rate, epsilon } = correctedRate(learningRate, step)
  const towards = (moment: tf.Tensor1D, value: tf.Tensor, share: number) =>
    tf.add(moment, tf.mul(tf.sub(value, moment), share)) as tf.Tensor1D
  const first = towards(state.first, gradient, 1 - ADAM.beta1)
  const second = towards(state.second, tf.square(gradient), 1 - ADAM.beta2)
  const move = tf.div(tf.mul(first, rate), tf.add(tf.sqrt(second), epsilon))
  return { vector: tf.sub(state.vector, move) as tf.Tensor1D, first, second, step }
}

/** Scales the gradient so that its norm is at most `limit`: the factor is min(1, limit / (norm + 1e-6)), as in PyTorch. */
export function clipNorm(gradient: tf.Tensor1D, limit: number): { clipped: tf.Tensor1D; norm: tf.Scalar } {
  const norm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar
  const factor = tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)))
  return { clipped: tf.mul(gradient, factor), norm }
}
