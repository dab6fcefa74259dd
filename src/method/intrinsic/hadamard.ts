import tf from '../../tensor/tf.cjs'
import { padded, replaced } from './projection.js'

/**
 * The bits of a factor. With 16 rows a transform of 2^24 is six products and takes 0.1 s on two cores; with 256 rows it
 * is three products of 16 times the work and takes 0.26 s (TensorFlow; on wasm 0.5 s with 16).
 */
const FACTOR = 4

/**
 * H·x, where H is the Walsh–Hadamard matrix of 2^bits rows, H[i, j] = (−1)^popcount(i & j), not normalised; returns at
 * least its first `wanted` entries. x may be shorter, with zeros at its end left out; it is freed. H is a Kronecker
 * product of small matrices, applied one by one: each product takes the last axis and puts it in front, so that after
 * all of them the axes are in their first order.
 */
export function hadamard(x: tf.Tensor1D, bits: number, wanted = 2 ** bits): tf.Tensor1D {
  const first = Math.min(FACTOR, bits)
  const unit = 2 ** (bits - first)
  const given = Math.ceil(x.size / unit)
  let y = replaced(x, (x) => padded(x, given * unit))
  for (let left = bits - first; left > 0; left -= FACTOR) {
    y = replaced(y, (y) => rotate(y, small(Math.min(FACTOR, left))))
  }
  const corner = (H: tf.Tensor2D) => tf.slice(H, [0, 0], [Math.ceil(wanted / unit), given])
  return replaced(y, (y) => rotate(y, corner(small(first))))
}

/** Multiplies the last axis by the matrix [m, n] and puts it in front. x [rest·n] → [m·rest] */
function rotate(x: tf.Tensor1D, matrix: tf.Tensor2D): tf.Tensor1D {
  const rows = tf.reshape(x, [-1, matrix.shape[1]])
  // XNNPACK packs the right side of a product like weights, which takes five times as long as the transpose.
  const product =
    tf.getBackend() === 'wasm'
      ? tf.transpose(tf.matMul(rows, tf.transpose(matrix)))
      : tf.matMul(matrix, rows, false, true)
  return tf.reshape(product, [-1])
}

function small(bits: number): tf.Tensor2D {
  const n = 2 ** bits
  const entry = (_: unknown, index: number) => sign((index >> bits) & index & (n - 1))
  return tf.tensor2d(Float32Array.from({ length: n * n }, entry), [n, n])
}

/** Returns (−1)^popcount(x) for a number of 4 bits: 0x6996 has a bit for each number of odd parity. */
const sign = (x: number) => ((0x6996 >> x) & 1 ? -1 : 1)
