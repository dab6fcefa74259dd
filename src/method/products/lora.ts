import type { Product, ProductOf } from '../../backbone/hooks.js'
import tf from '../../tensor/tf.cjs'
import type { ParameterSpec, Tensors } from '../method.js'
import type { LoraOptions } from '../options.js'
import type { Target } from '../targets.js'
import { changedProducts } from './changed_products.js'

/**
 * LoRA (Hu et al., arXiv 2106.09685): x·Wᵀ + scale·(x·Aᵀ)·Bᵀ at the chosen products, with A [rank, in] and B [out,
 * rank], as peft stores them; rank-stabilised scaling (Kalajdzievski, arXiv 2312.03732); DoRA's magnitudes m [out] (Liu
 * et al., arXiv 2402.09353): the rows of W + scale·B·A have these lengths. LoRA+ (Hayou et al., arXiv 2402.12354) gives
 * B a learning rate of its own.
 */
export const lora = changedProducts<LoraOptions>({
  parameters: ofTarget,
  product: (options, target, tensors) =>
    options.magnitudes ? withMagnitudes(options, target, tensors) : added(options, target, tensors),
  merged: (options, target, tensors, weight) => merged(options, target, tensors, weight as tf.Tensor2D),
})

/** What the change is multiplied by. */
const scaleOf = ({ alpha, rank, rank_stabilised }: LoraOptions): number =>
  alpha / (rank_stabilised ? Math.sqrt(rank) : rank)

function ofTarget(
  { rank, magnitudes, loraplus_lr_ratio: relativeRate }: LoraOptions,
  { name, matrix, outputs, inputs }: Target,
): ParameterSpec[] {
  const bound = 1 / Math.sqrt(inputs) // peft's start: Kaiming's with a = √5
  const factors: ParameterSpec[] = [
    { name: `${name}.lora_a`, shape: [rank, inputs], start: { kind: 'uniform', bound } },
    { name: `${name}.lora_b`, shape: [outputs, rank], start: { kind: 'zeros' }, relativeRate },
  ]
  if (!magnitudes) return factors
  const start = { kind: 'row_norms', of: matrix, columns: inputs } as const
  return [...factors, { name: `${name}.magnitude`, shape: [outputs], start }]
}

const factorsOf = (tensors: Tensors, { name }: Target) => ({
  a: tensors(`${name}.lora_a`) as tf.Tensor2D,
  b: tensors(`${name}.lora_b`) as tf.Tensor2D,
})

/** scale·(x·Aᵀ)·Bᵀ. x [rows, in] → [rows, out] */
function change(options: LoraOptions, target: Target, tensors: Tensors, x: tf.Tensor2D): tf.Tensor2D {
  const { a, b } = factorsOf(tensors, target)
  return tf.mul(tf.matMul(tf.matMul(x, a, false, true), b, false, true), scaleOf(options))
}

const added =
  (options: LoraOptions, target: Target, tensors: Tensors): Product =>
  (x, of) =>
    tf.add(of.times(x), change(options, target, tensors, dropped(options, target, x, of)))

/** The input of A. Its mask is drawn apart from those of the backbone. */
const dropped = ({ dropout: rate }: LoraOptions, { name }: Target, x: tf.Tensor2D, { dropout }: ProductOf) =>
  rate > 0 ? dropout(x, `${name}.lora`, rate) : x

/** As peft has it, also with dropout: the part of W that the magnitudes change sees the dropped x. */
const withMagnitudes =
  (options: LoraOptions, target: Target, tensors: Tensors): Product =>
  (x, of) => {
    const input = dropped(options, target, x, of)
    const whole = of.times(x)
    const base = withoutBias(input === x ? whole : of.times(input), of)
    const scale = lengthScale(options, target, tensors, of.weight()) // [out]
    const moved = tf.add(tf.mul(base, tf.sub(scale, 1)), tf.mul(change(options, target, tensors, input), scale))
    return tf.add(whole, moved)
  }

/** The backbone's bias is no part of what the lengths scale. */
function withoutBias(y: tf.Tensor2D, of: ProductOf): tf.Tensor2D {
  const bias = of.bias()
  return bias ? tf.sub(y, bias) : y
}

/** m / |W + scale·B·A| by rows [out]; the lengths count as constants in the gradient (DoRA, § 4.3). */
function lengthScale(options: LoraOptions, target: Target, tensors: Tensors, weight: tf.Tensor2D): tf.Tensor1D {
  const { a, b } = factorsOf(tensors, target)
  const lengths = tf.customGrad((...inputs) => {
    const [b, a] = inputs as [tf.Tensor2D, tf.Tensor2D]
    const value = tf.norm(tf.add(weight, tf.mul(tf.matMul(b, a), scaleOf(options))), 'euclidean', 1)
    return { value, gradFunc: () => [tf.zerosLike(b), tf.zerosLike(a)] }
  })
  return tf.div(tensors(`${target.name}.magnitude`) as tf.Tensor1D, lengths(b, a))
}

function merged(options: LoraOptions, target: Target, tensors: Tensors, weight: tf.Tensor2D): tf.Tensor2D {
  const { a, b } = factorsOf(tensors, target)
  const sum = tf.add(weight, tf.mul(tf.matMul(b, a), scaleOf(options))) as tf.Tensor2D
  if (!options.magnitudes) return sum
  return tf.mul(sum, tf.expandDims(lengthScale(options, target, tensors, weight), 1))
}
