import type { Dropout } from '../tensor/dropout.js'
import { meanNorm, rmsNorm } from '../tensor/norm.js'
import tf from '../tensor/tf.cjs'
import type { CommonConfig } from './family.js'
import type { Hooks } from './hooks.js'
import type { BackboneConfig } from './registry.js'

/** What one forward pass computes with: dimensions, weights by Hugging Face name, a method's hooks, dropout. */
export interface Pass<Config extends CommonConfig = BackboneConfig> {
  config: Config
  weight(name: string): tf.Tensor
  hooks: Hooks
  /**
   * Zeroes elements of x and scales the rest; `place` names the mask, `rate` is the training's by default. The identity
   * while evaluating.
   */
  dropout: Dropout
  /**
   * Computes a layer [rows, d] with this pass or one like it. Where it is given, a layer's tensors other than its
   * `inputs` may be forgotten and computed again for the gradient.
   */
  layer?: ComputeLayer<Config>
  /** Computes a part of the model. Whoever records a pass names by the part what it does there. */
  at: At
}

/**
 * Does what `body` does as a part of the model: a sublayer (`encoder.3.attention`), or what is in none (`encoder`,
 * `head`).
 */
export type At = <T>(part: string, body: () => T) => T

/** For a pass that nobody records. */
export const unnamed: At = (_, body) => body()

export type ComputeLayer<Config extends CommonConfig = BackboneConfig> = <T extends Record<string, tf.Tensor>>(
  inputs: T,
  compute: (pass: Pass<Config>, inputs: T) => tf.Tensor2D,
) => tf.Tensor2D

/** A layer as the pass computes one. */
export const inLayer = <Config extends CommonConfig>(pass: Pass<Config>): ComputeLayer<Config> =>
  pass.layer ?? ((inputs, compute) => compute(pass, inputs))

/**
 * The tensors of a product: W, which is not of the product's name where a head is the embedding table, and its bias.
 */
interface ProductTensors {
  matrix?: string
  bias?: string
}

/**
 * x·Wᵀ, with the backbone's bias where it has one, changed by the method and with its bias where it has one. x [rows,
 * in], W [out, in] → [rows, out]. `name` is what hooks know the product by.
 */
export function linear(
  pass: Pass<CommonConfig>,
  x: tf.Tensor2D,
  name: string,
  { matrix = name, bias: biasName }: ProductTensors = {},
): tf.Tensor2D {
  const { hooks } = pass
  const weight = () => pass.weight(matrix) as tf.Tensor2D
  const bias = () => (biasName === undefined ? undefined : (pass.weight(biasName) as tf.Tensor1D))
  const times = (x: tf.Tensor2D): tf.Tensor2D => {
    const product: tf.Tensor2D = tf.matMul(x, weight(), false, true)
    const own = bias()
    return own ? tf.add(product, own) : product
  }
  const product = hooks.product?.(name)
  return withBias(hooks, product ? product(x, { times, weight, bias, dropout: pass.dropout }) : times(x), name)
}

/** x·Wᵀ + b for a module with these two tensors: `bert.pooler.dense`. */
export const linearWithBias = (pass: Pass<CommonConfig>, x: tf.Tensor2D, module: string): tf.Tensor2D =>
  linear(pass, x, `${module}.weight`, { bias: `${module}.bias` })

/**
 * The backbone's layer norm of that name, without mean and with the method's bias where it has one. x [rows, d] →
 * [rows, d]
 */
export function layerNorm(pass: Pass<CommonConfig>, x: tf.Tensor2D, name: string): tf.Tensor2D {
  return withBias(pass.hooks, rmsNorm(x, pass.weight(name) as tf.Tensor1D, pass.config.layerNormEpsilon), name)
}

/** The backbone's layer norm with mean, of a module that has a weight and maybe a bias. x [rows, d] → [rows, d] */
export function centredNorm(pass: Pass<CommonConfig>, x: tf.Tensor2D, module: string, biased = true): tf.Tensor2D {
  const weight = pass.weight(`${module}.weight`) as tf.Tensor1D
  const bias = biased ? (pass.weight(`${module}.bias`) as tf.Tensor1D) : undefined
  return withBias(pass.hooks, meanNorm(x, weight, bias, pass.config.layerNormEpsilon), `${module}.weight`)
}

/** Whether a method enters the product of that name, so that another order of products would leave it out. */
export const changesProduct = ({ hooks }: Pass<CommonConfig>, name: string): boolean =>
  hooks.bias?.(name) !== undefined || hooks.product?.(name) !== undefined

function withBias(hooks: Hooks, y: tf.Tensor2D, name: string): tf.Tensor2D {
  const bias = hooks.bias?.(name)
  return bias ? tf.add(y, bias) : y
}
