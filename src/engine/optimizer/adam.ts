import tf from '../../tensor/tf.cjs'
import { type Optimizer, twoMoments } from './optimizer.js'

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8

/**
 * The decay of the two moments as a float32, since the moments are computed with float32: bias corrections must match.
 */
export const ADAM = { beta1: Math.fround(BETA1), beta2: Math.fround(BETA2) } as const

/**
 * Adam (Kingma and Ba, arXiv 1412.6980) with bias correction; ε is outside the root of the corrected moment, as in
 * PyTorch. Operations are in the order of TensorFlow's fused update, so that a replayed step gives the same bits.
 */
export const adam: Optimizer = {
  name: 'adam',
  moments: ({ size }) => twoMoments(size),
  /** Returns rate and ε of v ← v − rate·m / (√s + ε), with the bias corrections moved into them. */
  numbers(learningRate, step) {
    const root = Math.sqrt(1 - ADAM.beta2 ** step)
    return { rate: (learningRate * root) / (1 - ADAM.beta1 ** step), epsilon: EPSILON * root }
  },
  update(kept, gradient, { rate, epsilon }) {
    const towards = (moment: tf.Tensor1D, value: tf.Tensor, share: number) =>
      tf.add(moment, tf.mul(tf.sub(value, moment), share)) as tf.Tensor1D
    const first = towards(kept.first!, gradient, 1 - ADAM.beta1)
    const second = towards(kept.second!, tf.square(gradient), 1 - ADAM.beta2)
    const move = tf.div(tf.mul(first, rate!), tf.add(tf.sqrt(second), epsilon!))
    return { vector: tf.sub(kept.vector, move) as tf.Tensor1D, first, second }
  },
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101): before Adam's step, every trained value
 * is multiplied by 1 − learning rate · weight decay, as in torch.optim.AdamW.
 */
export const adamW = (weightDecay: number): Optimizer => ({
  ...adam,
  name: 'adamw',
  numbers: (learningRate, step) => ({ ...adam.numbers(learningRate, step), left: 1 - learningRate * weightDecay }),
  update: ({ vector, ...moments }, gradient, { left, ...numbers }, layout) =>
    adam.update({ vector: tf.mul(vector, left!), ...moments }, gradient, numbers, layout),
})
