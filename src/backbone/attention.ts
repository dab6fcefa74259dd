import tf from '../tensor/tf.cjs'
import type { KeyValue } from './encoder_decoder.js'
import type { CommonConfig } from './family.js'
import type { Site } from './hooks.js'
import type { Pass } from './pass.js'

/** [batch·length, heads·d_kv] → [batch, heads, length, d_kv] */
export function splitHeads({ config }: Pass<CommonConfig>, x: tf.Tensor2D, batch: number): tf.Tensor4D {
  return tf.transpose(tf.reshape(x, [batch, -1, config.heads, config.dKv]), [0, 2, 1, 3])
}

/** [batch, heads, length, d_kv] → [batch·length, heads·d_kv] */
export function joinHeads(x: tf.Tensor4D): tf.Tensor2D {
  const [, heads, , dKv] = x.shape
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, heads * dKv])
}

/** Puts the method's prefix in front of the keys and values of an attention, the same one in every row. */
export function withPrefix({ hooks }: Pass<CommonConfig>, site: Site, memory: KeyValue): KeyValue {
  const prefix = hooks.prefix?.(site)
  if (!prefix) return memory
  const inFront = (own: tf.Tensor3D, of: tf.Tensor4D): tf.Tensor4D => {
    // a sum repeats the rows, since its gradient is one operation and that of tile is several per row
    const rows = tf.add(tf.transpose(own, [1, 0, 2]), tf.zeros([of.shape[0], 1, 1, 1])) // [batch, heads, length, d_kv]
    return tf.concat([rows as tf.Tensor4D, of], 2)
  }
  return { keys: inFront(prefix.keys(), memory.keys), values: inFront(prefix.values(), memory.values) }
}

/**
 * Returns each attention's bias [batch, heads, queries, keys], given the one without prefixes: 0 at the positions of
 * its prefix. Attentions with equally many of these share it.
 */
export function biasOf({ hooks }: Pass<CommonConfig>, bias: tf.Tensor4D): (site: Site) => tf.Tensor4D {
  const padded = new Map([[0, bias]])
  return (site) => {
    const length = hooks.prefix?.(site)?.length ?? 0
    const known =
      padded.get(length) ??
      tf.pad(bias, [
        [0, 0],
        [0, 0],
        [0, 0],
        [length, 0],
      ])
    padded.set(length, known)
    return known
  }
}

/**
 * What is added to attention scores. [batch, length], 1 at tokens and 0 at padding → [batch, 1, 1, length], 0 and −1e9
 */
export function paddingMask(attentionMask: tf.Tensor2D): tf.Tensor4D {
  const [batch, length] = attentionMask.shape
  const tokens = tf.cast(tf.reshape(attentionMask, [batch, 1, 1, length]), 'float32') as tf.Tensor4D
  return tf.mul(tf.sub(tokens, 1), 1e9)
}
