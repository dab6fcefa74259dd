import type { Product, ProductOf } from '../../backbone/hooks.js'
import { elements } from '../../base/safetensors/safetensors.js'
import tf from '../../tensor/tf.cjs'
import type { ParameterSpec, Tensors } from '../method.js'
import type { VeraOptions } from '../options.js'
import type { Target } from '../targets.js'
import { changedProducts } from './changed_products.js'

/**
 * VeRA (Kopiczko et al., arXiv 2310.11454): x·Wᵀ + λb ⊙ ((λd ⊙ (x·Aᵀ))·Bᵀ) at the chosen products. A [rank, most in]
 * and B [most out, rank] are random, are not trained and serve all products, each with the first columns of A and the
 * first rows of B that it needs; λd [rank] and λb [out] are trained. Shapes, starts and random numbers are those of
 * peft.
 */
export const vera = changedProducts<VeraOptions>({
  parameters: ({ rank, d_initial }, { name, outputs }) => [
    { name: `${name}.lambda_d`, shape: [rank], start: { kind: 'filled', value: d_initial } },
    { name: `${name}.lambda_b`, shape: [outputs], start: { kind: 'zeros' } },
  ],
  constants: projections,
  product: changed,
  merged: (_options, target, tensors, weight) => {
    const { A, B, lambdaD, lambdaB } = partsOf(target, tensors)
    return tf.add(weight, tf.matMul(tf.mul(B, tf.expandDims(lambdaB, 1)), tf.mul(A, tf.expandDims(lambdaD, 1))))
  },
})

/** A and B, drawn one after the other, from U(±√(6 / columns)): Kaiming's for the gain √2. */
function projections({ rank, projection_seed: seed }: VeraOptions, targets: Target[]): ParameterSpec[] {
  const a = [rank, Math.max(...targets.map(({ inputs }) => inputs))] as const
  const b = [Math.max(...targets.map(({ outputs }) => outputs)), rank] as const
  const drawn = (name: string, shape: readonly [number, number], after: number): ParameterSpec => {
    const bound = Math.sqrt(3) * (Math.sqrt(2) / Math.sqrt(shape[1])) // in peft's order, for the last bit
    return { name, shape: [...shape], start: { kind: 'torch_uniform', seed, after, bound } }
  }
  return [drawn('projection_a', a, 0), drawn('projection_b', b, elements(a))]
}

/** What a product of this size takes of the projections, A [rank, in] and B [out, rank], and its trained vectors. */
const partsOf = ({ name, inputs, outputs }: Target, tensors: Tensors) => ({
  A: tf.slice(tensors('projection_a') as tf.Tensor2D, [0, 0], [-1, inputs]),
  B: tf.slice(tensors('projection_b') as tf.Tensor2D, [0, 0], [outputs, -1]),
  lambdaD: tensors(`${name}.lambda_d`) as tf.Tensor1D,
  lambdaB: tensors(`${name}.lambda_b`) as tf.Tensor1D,
})

function changed(options: VeraOptions, target: Target, tensors: Tensors): Product {
  return (x, of) => {
    const { A, B, lambdaD, lambdaB } = partsOf(target, tensors)
    const inner = tf.mul(tf.matMul(dropped(options, target, x, of), A, false, true), lambdaD) as tf.Tensor2D
    return tf.add(of.times(x), tf.mul(tf.matMul(inner, B, false, true), lambdaB))
  }
}

/** The input of A. Its mask is drawn apart from those of the backbone. */
const dropped = ({ dropout: rate }: VeraOptions, { name }: Target, x: tf.Tensor2D, { dropout }: ProductOf) =>
  rate > 0 ? dropout(x, `${name}.vera`, rate) : x
