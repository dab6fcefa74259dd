import { sumsByBin } from '../../tensor/bins.js'
import { madeTensor } from '../../tensor/made.js'
import tf from '../../tensor/tf.cjs'
import { hadamard } from './hadamard.js'
import { type Projection, padded, replaced } from './projection.js'

/** The random parts of one tensor's projection, each as long as its transform; they are generated when asked for. */
export interface FastfoodParts {
  /** Tells them from the parts of other tensors and seeds. */
  name: string
  /** Returns the first `count` entries of B, each 1 or −1. */
  signs(count: number): Float32Array
  /** Returns Π: (Πx)[i] = x[permutation[i]]. */
  permutation(): Int32Array
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
  const name = `fastfood/${parts.name}/${size}/${kept}`
  const signs = () => numbers(`${name}/signs`, kept, () => parts.signs(kept))
  const scale = () => numbers(`${name}/scale`, 2 ** bits, () => scaled(parts.gaussian(), size))
  const places = (): tf.Tensor1D =>
    madeTensor({
      name: `${name}/places`,
      ...{ shape: [2 ** bits], dtype: 'int32', make: () => remainders(parts.permutation(), 2 ** keptBits) },
    })
  return {
    apply(v) {
      const signed = tf.tidy(() => tf.mul(tf.slice(v, 0, kept), signs()) as tf.Tensor1D)
      const mixed = hadamard(signed, keptBits)
      const spread = replaced(mixed, (mixed) => tf.mul(gathered(mixed, places()), scale())) // [L]
      return tf.slice(hadamard(spread as tf.Tensor1D, bits, size), 0, size)
    },
    transposed(dy) {
      const spread = hadamard(tf.clone(dy), bits) // [L]
      const folded = replaced(spread, (spread) => sumsByBin(tf.mul(spread, scale()), places(), 2 ** keptBits))
      const mixed = hadamard(folded, keptBits)
      return padded(tf.mul(tf.slice(mixed, 0, kept), signs()), dimension)
    },
  }
}

const numbers = (name: string, length: number, make: () => Float32Array): tf.Tensor1D =>
  madeTensor({ name, shape: [length], dtype: 'float32', make })

/** Returns x[places]. For single numbers TensorFlow's `gather` takes 13 times as long as its `gatherND`. */
const gathered = (x: tf.Tensor1D, places: tf.Tensor1D): tf.Tensor1D =>
  tf.gatherND(x, tf.reshape(places, [-1, 1])) as tf.Tensor1D

/** Returns G / √(size·ΣG²). */
function scaled(gaussian: Float32Array, size: number): Float32Array {
  let squares = 0
  for (let i = 0; i < gaussian.length; i++) squares += gaussian[i]! ** 2
  const scale = 1 / Math.sqrt(size * squares)
  return gaussian.map((number) => number * scale)
}

function remainders(numbers: Int32Array, powerOfTwo: number): Int32Array {
  for (let i = 0; i < numbers.length; i++) numbers[i]! &= powerOfTwo - 1
  return numbers
}
