import tf from '../../tensor/tf.cjs'
import { hadamard } from './hadamard.js'
import { type Projection, padded, replaced } from './projection.js'

/** The random parts of one tensor's projection, each as long as its transform; they are generated when asked for. */
export interface FastfoodParts {
  /** Returns the first `count` entries of B, each 1 or −1. */
  signs(count: number): Float32Array
  /** Returns Π: (Πx)[i] = x[permutation[i]]. */
  permutation(): Int32Array
  inverse(): Int32Array
  /** Returns the diagonal of G. */
  gaussian(): Float32Array
}

/** Returns the bits of the smallest power of two that is at least `size`: the length of its transform. */
export const bitsFor = (size: number): number => Math.ceil(Math.log2(size))

/**
 * P = H·G·Π·H·B / √(size·ΣG²), its first `size` rows (Le, Sarlós and Smola, Fastfood, 2013): |P(v)| = |v| on average. v
 * is padded with zeros to a power of two; a longer one is cut to it, and |P(v)| is the length of the rest. Only the
 * first K entries of B·v can be other than 0, so that H·B·v is one transform of length K, repeated, and Π is needed
 * only modulo K.
 */
export function fastfood(parts: FastfoodParts, size: number, dimension: number): Projection {
  const bits = bitsFor(size)
  const kept = Math.min(dimension, 2 ** bits)
  const keptBits = bitsFor(kept)
  const signed = (x: tf.Tensor1D) => tf.mul(tf.slice(x, 0, kept), tf.tensor1d(parts.signs(kept))) as tf.Tensor1D
  return {
    apply(v) {
      const mixed = hadamard(signed(v), keptBits)
      const spread = gathered(mixed, remainders(parts.permutation(), 2 ** keptBits)) // [L]
      return tf.slice(hadamard(scaled(spread, parts.gaussian(), size), bits, size), 0, size)
    },
    transposed(dy) {
      const spread = scaled(hadamard(tf.clone(dy), bits), parts.gaussian(), size) // [L]
      const folded = replaced(gathered(spread, parts.inverse()), (x) => tf.sum(tf.reshape(x, [-1, 2 ** keptBits]), 0))
      return padded(signed(hadamard(folded as tf.Tensor1D, keptBits)), dimension)
    },
  }
}

/** Returns x[places] and frees x. For single numbers TensorFlow's `gather` takes 13 times as long as its `gatherND`. */
const gathered = (x: tf.Tensor1D, places: Int32Array): tf.Tensor1D =>
  replaced(x, (x) => tf.gatherND(x, tf.tensor2d(places, [places.length, 1], 'int32')) as tf.Tensor1D)

/** Returns x·G / √(size·ΣG²) and frees x. */
function scaled(x: tf.Tensor1D, gaussian: Float32Array, size: number): tf.Tensor1D {
  let squares = 0
  for (let i = 0; i < gaussian.length; i++) squares += gaussian[i]! ** 2
  const scale = 1 / Math.sqrt(size * squares)
  return replaced(x, (x) => tf.mul(tf.mul(x, tf.tensor1d(gaussian)), scale))
}

function remainders(numbers: Int32Array, powerOfTwo: number): Int32Array {
  for (let i = 0; i < numbers.length; i++) numbers[i]! &= powerOfTwo - 1
  return numbers
}
