import { lookUp } from '../../tensor/embedding.js'
import tf from '../../tensor/tf.cjs'
import type { LengthConstant } from '../encoder.js'
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

/**
 * Distances, query minus key, that vectors are looked up for: of all pairs of a row, one more in front so that
 * `byColumn` can move rows, or of its first token to every token.
 */
const orders = {
  descending: { perToken: 2, start: 1, step: -1 },
  ascending: { perToken: 2, start: -1, step: 1 },
  ofFirst: { perToken: 1, start: 0, step: -1 },
}

export type DistanceOrder = keyof typeof orders

/** The vectors [2·length or length, d] of an order's distances, of a table [2·distances, d]. */
export function distanceVectors(
  config: DebertaConfig,
  table: tf.Tensor2D,
  length: number,
  order: DistanceOrder,
): tf.Tensor2D {
  const { perToken, start, step } = orders[order]
  const row = (_: unknown, at: number) => distanceRow(start * length + step * at, config)
  return lookUp(table, tf.tensor1d(Int32Array.from({ length: perToken * length }, row), 'int32'))
}

/** The rows that are looked up, in every order. No row is longer than there are positions, but for a prompt. */
export const distanceConstants = (config: DebertaConfig): LengthConstant[] =>
  Object.values(orders).map((order) => ({
    kind: 'list',
    ...order,
    value: (distance) => distanceRow(distance, config),
    furthest: 2 * config.positions,
  }))

/**
 * Picks what row i has for column j from scores that are laid out by j − i: the element j − i + length. x [heads,
 * batch, length, 2·length] → [heads, batch, length, length]
 */
export function byColumn(x: tf.Tensor4D): tf.Tensor4D {
  const [heads, batch, length, columns] = x.shape
  // without the first `length` elements, in rows of one element less, each row is one to the left of the one above
  const halves = tf.reshape(x, [heads, batch, columns, length])
  const from = tf.slice(halves, [0, 0, 1, 0], [heads, batch, columns - 1, length])
  const moved = tf.reshape(from, [heads, batch, length, columns - 1])
  return tf.slice(moved, [0, 0, 0, 0], [heads, batch, length, length]) as tf.Tensor4D
}
