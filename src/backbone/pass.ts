import { rmsNorm } from '../tensor/norm.js'
import tf from '../tensor/tf.cjs'
import type { Hooks } from './hooks.js'
import type { T5Config } from './t5/config.js'

/** What one forward pass computes with: dimensions, weights by Hugging Face name, a method's hooks, dropout. */
export interface Pass {
  config: T5Config
  weight(name: string): tf.Tensor
  hooks: Hooks
  /** Zeroes elements of x and scales the rest; `place` names the mask. The identity while evaluating. */
  dropout<T extends tf.Tensor>(x: T, place: string): T
  /**
   * Computes a layer [rows, d] with this pass or one like it. Where it is given, a layer's tensors other than its `inputs`
   * may be forgotten and computed again for the gradient.
   */
  layer?: ComputeLayer
  /** Computes a part of the model. Whoever records a pass names by the part what it does there. */
  at: At
}

/** Does what `body` does as a part of the model: a sublayer (`encoder.3.attention`), or what is in none (`encoder`, `head`). */
export type At = <T>(part: string, body: () => T) => T

/** For a pass that nobody records. */
export const unnamed: At = (_, body) => body()

export type ComputeLayer = <T extends Record<string, tf.Tensor>>(
  inputs: T,
  compute: (pass: Pass, inputs: T) => tf.Tensor2D,
) => tf.Tensor2D

/** A layer as the pass computes one. */
export const inLayer = (pass: Pass): ComputeLayer => pass.layer ?? ((inputs, compute) => compute(pass, inputs))

const withBias = (pass: Pass, y: tf.Tensor2D, name: string): tf.Tensor2D => {
  const bias = pass.hooks.bias?.(name)
  return bias ? tf.add(y, bias) : y
}

/** x·Wᵀ, plus a bias where the method trains one. x [rows, in], W [out, in] → [rows, out] */
export function linear(pass: Pass, x: tf.Tensor2D, name: string): tf.Tensor2D {
  return withBias(pass, tf.matMul(x, pass.weight(name) as tf.Tensor2D, false, true), name)
}

/** The backbone's layer norm of that name. x [rows, d] → [rows, d] */
export function layerNorm(pass: Pass, x: tf.Tensor2D, name: string): tf.Tensor2D {
  return withBias(pass, rmsNorm(x, pass.weight(name) as tf.Tensor1D, pass.config.layerNormEpsilon), name)
}
