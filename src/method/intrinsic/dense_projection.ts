import { madeTensor } from '../../tensor/made.js'
import tf from '../../tensor/tf.cjs'
import type { Projection } from './projection.js'
import { keyOf, regeneratedNormals } from './regenerated.js'

/** The most numbers of the matrix that exist at a time. */
const BLOCK = 2 ** 22

/**
 * P = Rᵀ / √size with R [dimension, size] from N(0, 1), generated anew from the seed in blocks of rows: |P(v)| = |v| on
 * average. It costs dimension·size random numbers in each direction, so it is for small backbones.
 */
export function denseProjection(seed: number, tensor: string, size: number, dimension: number): Projection {
  const key = keyOf(seed, tensor, 'dense')
  // even, so that a block starts at an even place of the stream
  const height = 2 * Math.max(1, Math.floor(BLOCK / 2 / size))
  const blocks = Array.from({ length: Math.ceil(dimension / height) }, (_, block) => block * height)
  const rows = (from: number) => Math.min(height, dimension - from)
  const R = (from: number): tf.Tensor2D =>
    madeTensor({
      name: `dense/${seed}/${tensor}/${size}/${dimension}/${from}`,
      shape: [rows(from), size],
      dtype: 'float32',
      make: () => regeneratedNormals(rows(from) * size, key, from * size),
    })
  return {
    apply: (v) =>
      tf.tidy(() => {
        const part = (from: number) => tf.matMul(tf.reshape(tf.slice(v, from, rows(from)), [1, -1]), R(from))
        const sum = blocks.map((from) => tf.tidy(() => part(from))).reduce((a, b) => tf.add(a, b))
        return tf.reshape(tf.mul(sum, size ** -0.5), [size])
      }),
    transposed: (dy) =>
      tf.tidy(() => {
        const part = (from: number) => tf.reshape(tf.matMul(R(from), tf.reshape(dy, [size, 1])), [-1])
        const parts = blocks.map((from) => tf.tidy(() => part(from)))
        return tf.mul(tf.concat(parts as tf.Tensor1D[]), size ** -0.5)
      }),
  }
}
