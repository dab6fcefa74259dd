import tf from '../../tensor/tf.cjs'
import type { Stack } from '../hooks.js'
import type { Pass } from '../pass.js'
import type { T5Config } from './config.js'
import { positionName } from './tensors.js'

/**
 * Returns the bucket of a relative position (key − query): exact for short distances, logarithmic up to the largest. T5
 * paper (arXiv 1910.10683) § 2.1; numbered as in its released code. The decoder looks only back.
 */
export function relativeBucket(relative: number, bidirectional: boolean, buckets: number, maxDistance: number): number {
  const half = bidirectional ? buckets / 2 : buckets
  const offset = bidirectional && relative > 0 ? half : 0
  const distance = bidirectional ? Math.abs(relative) : Math.max(0, -relative)
  const exact = Math.floor(half / 2)
  if (distance < exact) return offset + distance
  // float32, since PyTorch computes the bucket's edge in float32
  const log = Math.fround(
    Math.fround(Math.log(Math.fround(distance / exact))) / Math.fround(Math.log(maxDistance / exact)),
  )
  return offset + Math.min(half - 1, exact + Math.trunc(Math.fround(log * (half - exact))))
}

/**
 * Returns the bias of every head for queries at `from` … `from + queries − 1` and keys at 0 … keys − 1 → [1, heads,
 * queries, keys]
 */
export function positionBias(pass: Pass<T5Config>, stack: Stack, queries: number, keys: number, from = 0): tf.Tensor4D {
  const { heads, relativeBuckets, relativeMaxDistance } = pass.config
  const buckets = new Int32Array(queries * keys)
  for (let query = 0; query < queries; query++)
    for (let key = 0; key < keys; key++)
      buckets[query * keys + key] = relativeBucket(
        key - query - from,
        stack === 'encoder',
        relativeBuckets,
        relativeMaxDistance,
      )
  const table = pass.weight(positionName(stack)) as tf.Tensor2D
  // a product with one-hot rows has a gradient on every backend, which a lookup lacks
  // [queries·keys, heads]
  const perPair = tf.matMul(tf.oneHot(tf.tensor1d(buckets, 'int32'), relativeBuckets) as tf.Tensor2D, table)
  return tf.reshape(tf.transpose(perPair), [1, heads, queries, keys])
}

/** Returns 0 where a query may look, −1e9 where the key comes later → [1, 1, queries, keys] */
export function causalMask(queries: number, keys: number, from = 0): tf.Tensor4D {
  const mask = new Float32Array(queries * keys)
  for (let query = 0; query < queries; query++)
    for (let key = query + from + 1; key < keys; key++) mask[query * keys + key] = -1e9
  return tf.tensor4d(mask, [1, 1, queries, keys])
}
