import { lookUp } from '../../tensor/embedding.js'
import tf from '../../tensor/tf.cjs'
import type { DebertaConfig } from './config.js'

/**
 * The row of the table of distances for a distance, query minus key: small ones have one each, larger ones share one,
 * logarithmically, up to the longest (DeBERTa v2, as transformers computes it in float32).
 */
export function distanceRow(distance: number, { bucketed, distances, longestDistance }: DebertaConfig): number {
  const told = bucketed ? bucketOf(distance, distances, longestDistance) : distance
  return Math.min(2 * distances - 1, Math.max(0, told + distances))
}

function bucketOf(distance: number, buckets: number, longest: number): number {
  const middle = Math.floor(buckets / 2)
  const far = Math.abs(distance)
  if (far <= middle) return distance
  const share = Math.fround(
    Math.fround(Math.log(Math.fround(far / middle))) / Math.fround(Math.log(Math.fround((longest - 1) / middle))),
  )
  return Math.sign(distance) * (Math.ceil(Math.fround(share * (middle - 1))) + middle)
}

/** The vectors [2·length − 1, d] of the distances length − 1, …, 1 − length, of a table [2·distances, d]. */
export function distanceVectors(config: DebertaConfig, table: tf.Tensor2D, length: number): tf.Tensor2D {
  const rows = Int32Array.from({ length: 2 * length - 1 }, (_, at) => distanceRow(length - 1 - at, config))
  return lookUp(table, tf.tensor1d(rows, 'int32'))
}

/**
 * Picks what row i has for column j from scores that are laid out by j − i: the element j − i + length − 1. x [heads,
 * batch, length, 2·length − 1] → [heads, batch, length, length]
 */
export function byColumn(x: tf.Tensor4D): tf.Tensor4D {
  const [heads, batch, length, columns] = x.shape
  if (length === 1) return x
  // one element less in a row, counted from length − 1 on, moves each row one to the left of the one above
  const flat = tf.reshape(x, [heads, batch, length * columns])
  const from = tf.slice(flat, [0, 0, length - 1], [heads, batch, length * (columns - 1)])
  const moved = tf.reshape(from, [heads, batch, length, columns - 1])
  return tf.slice(moved, [0, 0, 0, 0], [heads, batch, length, length]) as tf.Tensor4D
}
