import { attended } from '../../tensor/attended.js'
import tf from '../../tensor/tf.cjs'
import { joinHeads, splitHeads } from '../attention.js'
import type { KeyValue } from '../encoder_decoder.js'
import type { Prefix, Site } from '../hooks.js'
import { changesProduct, linear, type Pass } from '../pass.js'
import type { T5Config } from './config.js'
import { sublayerName } from './tensors.js'

/** Returns keys and values of the attention at `name` for x [batch·length, d]. */
export function keyValue(pass: Pass<T5Config>, name: string, x: tf.Tensor2D, batch: number): KeyValue {
  return {
    keys: splitHeads(pass, linear(pass, x, `${name}.k.weight`), batch),
    values: splitHeads(pass, linear(pass, x, `${name}.v.weight`), batch),
  }
}

/**
 * Multi-head attention without T5's missing 1/√d_kv (its initialisation absorbs it).
 * x [batch·queries, d], bias broadcast to [batch, heads, queries, keys] → [batch·queries, d]
 */
export function attention(
  pass: Pass<T5Config>,
  name: string,
  x: tf.Tensor2D,
  memory: KeyValue,
  bias: tf.Tensor,
): tf.Tensor2D {
  const batch = memory.keys.shape[0]
  const query = splitHeads(pass, linear(pass, x, `${name}.q.weight`), batch)
  const scores: tf.Tensor4D = tf.add(tf.matMul(query, memory.keys, false, true), bias) // [batch, heads, queries, keys]
  const context = attended(scores, memory.values, pass.dropout.kept(scores, name))
  return linear(pass, joinHeads(context), `${name}.o.weight`)
}

/**
 * Whether `attentionOver` is less work than keys and values for `length` hidden states and `queries` per row: it is if
 * there are few queries. It can't be used with a method that changes keys or values.
 */
export function fewQueries(pass: Pass<T5Config>, name: string, length: number, queries: number): boolean {
  const { heads, dKv, dModel } = pass.config
  if (['k', 'v'].some((side) => changesProduct(pass, `${name}.${side}.weight`))) return false
  const inner = heads * dKv
  return queries * (inner * dModel + heads * length * dModel) < length * (dModel * inner + queries * inner)
}

/**
 * The attention of that site with its products in another order, which computes neither keys nor values: (q·Wk)·hᵀ
 * instead of q·(h·Wkᵀ)ᵀ, and (weights·h)·Wvᵀ instead of weights·(h·Wvᵀ). x [batch·queries, d], hidden [batch, keys, d],
 * bias broadcast to [batch, heads, queries, prefix + keys] → [batch·queries, d]
 */
export function attentionOver(
  pass: Pass<T5Config>,
  site: Site,
  x: tf.Tensor2D,
  hidden: tf.Tensor3D,
  bias: tf.Tensor,
): tf.Tensor2D {
  const { heads, dKv } = pass.config
  const name = sublayerName(site)
  const prefix = pass.hooks.prefix?.(site)
  const [batch, keys, d] = hidden.shape
  const queries = x.shape[0] / batch
  const perHead = (side: string) => tf.reshape(pass.weight(`${name}.${side}.weight`), [heads, dKv, d]) as tf.Tensor3D
  const query = tf.transpose(
    tf.reshape(linear(pass, x, `${name}.q.weight`), [-1, heads, dKv]) as tf.Tensor3D,
    [1, 0, 2],
  )
  const asked = headsInside(tf.matMul(query, perHead('k')), batch) // [batch, heads·queries, d]
  const own = tf.matMul(asked, hidden, false, true) // [batch, heads·queries, keys]
  const scores = prefix ? tf.concat([headsInside(prefixScores(query, prefix), batch), own], 2) : own
  const biased = tf.add(tf.reshape(scores, [batch, heads, queries, -1]), bias) as tf.Tensor4D
  const weights = tf.reshape(pass.dropout(tf.softmax(biased), name), [batch, heads * queries, -1]) as tf.Tensor3D
  const [ofPrefix, ofHidden] = prefix ? tf.split(weights, [prefix.length, keys], 2) : [undefined, weights]
  const mixed = tf.matMul(ofHidden!, hidden) // [batch, heads·queries, d]
  // [heads, batch·queries, d_kv]
  const fromHidden = tf.matMul(headsOutside(mixed as tf.Tensor3D, heads), perHead('v'), false, true)
  const values = prefix
    ? tf.add(fromHidden, prefixValues(headsOutside(ofPrefix as tf.Tensor3D, heads), prefix))
    : fromHidden
  return linear(pass, tf.reshape(tf.transpose(values, [1, 0, 2]), [-1, heads * dKv]), `${name}.o.weight`)
}

/** query [heads, batch·queries, d_kv] → [heads, batch·queries, length] */
const prefixScores = (query: tf.Tensor3D, prefix: Prefix): tf.Tensor3D =>
  tf.matMul(query, tf.transpose(prefix.keys(), [1, 2, 0]))

/** weights [heads, batch·queries, length] → [heads, batch·queries, d_kv] */
const prefixValues = (weights: tf.Tensor3D, prefix: Prefix): tf.Tensor3D =>
  tf.matMul(weights, tf.transpose(prefix.values(), [1, 0, 2]))

/** [heads, batch·queries, d] → [batch, heads·queries, d] */
function headsInside(x: tf.Tensor3D, batch: number): tf.Tensor3D {
  const [heads, rows, d] = x.shape
  const moved = tf.transpose(tf.reshape(x, [heads, batch, rows / batch, d]), [1, 0, 2, 3])
  return tf.reshape(moved, [batch, -1, d])
}

/** [batch, heads·queries, d] → [heads, batch·queries, d] */
function headsOutside(x: tf.Tensor3D, heads: number): tf.Tensor3D {
  const [batch, rows, d] = x.shape
  const moved = tf.transpose(tf.reshape(x, [batch, heads, rows / heads, d]), [1, 0, 2, 3])
  return tf.reshape(moved, [heads, -1, d])
}
