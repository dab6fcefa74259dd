import type { Product } from '../../backbone/hooks.js'
import tf from '../../tensor/tf.cjs'
import type { ParameterSpec, Tensors } from '../method.js'
import type { LokrOptions } from '../options.js'
import type { Target } from '../targets.js'
import { changedProducts } from './changed_products.js'

/**
 * LoKr (Yeh et al., LyCORIS, arXiv 2309.14859): x·(W + scale·w1 ⊗ w2)ᵀ with w1 [a, c] and w2 [b, d], where out = a·b
 * and in = c·d; either factor may be stored as a product of two of the given rank. Shapes, starts and scale are those
 * of peft.
 */
export const lokr = changedProducts<LokrOptions>({
  parameters: ofTarget,
  product: changed,
  merged: (options, target, tensors, weight) =>
    tf.add(weight, tf.mul(kronecker(options, target, tensors), scaleOf(options))),
})

const scaleOf = ({ alpha, rank }: LokrOptions) => alpha / rank

/** The shapes of w1 [a, c] and w2 [b, d], and whether each is stored whole. */
function shapesOf({ rank, decompose_both, decompose_factor }: LokrOptions, { outputs, inputs }: Target) {
  const [a, b] = factorized(outputs, decompose_factor)
  const [c, d] = factorized(inputs, decompose_factor)
  return {
    ...{ a, b, c, d },
    wholeW1: !(decompose_both && rank < Math.max(a, c) / 2),
    wholeW2: rank >= Math.max(b, d) / 2,
  }
}

/**
 * Two numbers m ≤ n with m·n = dimension: m is the factor where it divides the dimension, otherwise the largest divisor
 * up to it, or the one nearest to the square root for −1. As in peft and LyCORIS.
 */
export function factorized(dimension: number, factor: number): [number, number] {
  if (factor > 0 && dimension % factor === 0) return [factor, dimension / factor]
  const most = Math.min(factor === -1 ? dimension : factor, Math.floor(Math.sqrt(dimension)))
  let m = most
  while (dimension % m !== 0) m--
  return [m, dimension / m]
}

function ofTarget(options: LokrOptions, target: Target): ParameterSpec[] {
  const { a, b, c, d, wholeW1, wholeW2 } = shapesOf(options, target)
  const { rank } = options
  const zeros = (part: string, shape: number[]): ParameterSpec => ({
    name: `${target.name}.${part}`,
    shape,
    start: { kind: 'zeros' },
  })
  const uniform = (part: string, shape: [number, number]): ParameterSpec => ({
    name: `${target.name}.${part}`,
    shape,
    start: { kind: 'uniform', bound: 1 / Math.sqrt(shape[1]) }, // peft's: Kaiming's with a = √5
  })
  return [
    ...(wholeW1 ? [zeros('w1', [a, c])] : [zeros('w1_a', [a, rank]), uniform('w1_b', [rank, c])]),
    ...(wholeW2 ? [uniform('w2', [b, d])] : [uniform('w2_a', [b, rank]), uniform('w2_b', [rank, d])]),
  ]
}

/** w1 or w2 as a matrix. */
function factor(part: 'w1' | 'w2', whole: boolean, { name }: Target, tensors: Tensors): tf.Tensor2D {
  const of = (part: string) => tensors(`${name}.${part}`) as tf.Tensor2D
  return whole ? of(part) : tf.matMul(of(`${part}_a`), of(`${part}_b`))
}

/** x·Wᵀ + scale·x·(w1 ⊗ w2)ᵀ without the Kronecker product: w2 multiplies parts of x, then w1 mixes them. */
function changed(options: LokrOptions, target: Target, tensors: Tensors): Product {
  const { a, b, c, d, wholeW1, wholeW2 } = shapesOf(options, target)
  return (x, { times }) => {
    const rows = x.shape[0]
    const w1 = factor('w1', wholeW1, target, tensors)
    const byW2 = tf.matMul(tf.reshape(x, [rows * c, d]), factor('w2', wholeW2, target, tensors), false, true)
    const parts = tf.reshape(tf.transpose(tf.reshape(byW2, [rows, c, b]), [0, 2, 1]), [rows * b, c])
    const mixed = tf.reshape(tf.matMul(parts as tf.Tensor2D, w1, false, true), [rows, b, a])
    const change = tf.reshape(tf.transpose(mixed, [0, 2, 1]), [rows, a * b]) as tf.Tensor2D
    return tf.add(times(x), tf.mul(change, scaleOf(options)))
  }
}

/** w1 ⊗ w2 [a·b, c·d]. */
function kronecker(options: LokrOptions, target: Target, tensors: Tensors): tf.Tensor2D {
  const { a, b, c, d, wholeW1, wholeW2 } = shapesOf(options, target)
  const w1 = tf.reshape(factor('w1', wholeW1, target, tensors), [a, 1, c, 1])
  const w2 = tf.reshape(factor('w2', wholeW2, target, tensors), [1, b, 1, d])
  return tf.reshape(tf.mul(w1, w2), [a * b, c * d])
}
