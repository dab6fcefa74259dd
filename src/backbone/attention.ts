import tf from '../tf.cjs'
import { linear, type Pass } from './pass.js'

/** Keys and values of one attention, each [batch, heads, length, d_kv]. */
export type KeyValue = {
  keys: tf.Tensor4D
  values: tf.Tensor4D
}

/** [batch·length, heads·d_kv] → [batch, heads, length, d_kv] */
function splitHeads(pass: Pass, x: tf.Tensor2D, batch: number): tf.Tensor4D {
  const { heads, dKv } = pass.config
  return tf.transpose(tf.reshape(x, [batch, -1, heads, dKv]), [0, 2, 1, 3])
}

/** Keys and values that the attention at `name` makes of x [batch·length, d]. */
export function keyValue(pass: Pass, name: string, x: tf.Tensor2D, batch: number): KeyValue {
  return {
    keys: splitHeads(pass, linear(pass, x, `${name}.k.weight`), batch),
    values: splitHeads(pass, linear(pass, x, `${name}.v.weight`), batch),
  }
}

/**
 * Multi-head attention without T5's missing 1/√d_kv (its initialisation absorbs it).
 * x [batch·queries, d], bias broadcast to [batch, heads, queries, keys] → [batch·queries, d]
 */
export function attention(pass: Pass, name: string, x: tf.Tensor2D, memory: KeyValue, bias: tf.Tensor): tf.Tensor2D {
  const [batch, heads, , dKv] = memory.keys.shape
  const query = splitHeads(pass, linear(pass, x, `${name}.q.weight`), batch)
  const scores = tf.add(tf.matMul(query, memory.keys, false, true), bias) // [batch, heads, queries, keys]
  const weights = pass.dropout(tf.softmax(scores), name)
  const mixed = tf.transpose(tf.matMul(weights, memory.values) as tf.Tensor4D, [0, 2, 1, 3]) // [batch, queries, heads, d_kv]
  return linear(pass, tf.reshape(mixed, [-1, heads * dKv]), `${name}.o.weight`)
}
