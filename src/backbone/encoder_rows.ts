import tf from '../tensor/tf.cjs'
import type { Contextual } from './encoder.js'
import type { CommonConfig, Head } from './family.js'
import type { Pass } from './pass.js'

/**
 * Puts the method's prompt behind the first token of every row. Its vectors get no embedding of a position or a token
 * type, and are not normed, as in the library `adapters`.
 */
export function promptBehindFirst({ hooks }: Pass<CommonConfig>, embedded: tf.Tensor2D, mask: tf.Tensor2D) {
  const prompt = hooks.prompt?.()
  if (!prompt) return { embedded, mask, prompt: 0 }
  const [batch, length] = mask.shape
  const [count, d] = prompt.shape
  const [first, rest] = tf.split(tf.reshape(embedded, [batch, length, d]), [1, length - 1], 1)
  const rows = tf.tile(tf.expandDims(prompt, 0), [batch, 1, 1])
  const joined = tf.concat([first!, rows, rest!], 1)
  const [firstMask, restMask] = tf.split(mask, [1, length - 1], 1)
  return {
    embedded: tf.reshape(joined, [-1, d]) as tf.Tensor2D,
    mask: tf.concat([firstMask!, tf.ones([batch, count], 'int32'), restMask!], 1) as tf.Tensor2D,
    prompt: count,
  }
}

/**
 * Whether a head of a text reads the first token of each row alone of a layer's output: of the last layer's. The other
 * tokens then need no output of attention and no feed-forward sublayer there, which are three quarters of the layer.
 */
export const readsFirstAlone = ({ encoderLayers }: CommonConfig, layer: number, { kind }: Head): boolean =>
  kind !== 'tokens' && layer === encoderLayers - 1

/** Every row's first token. → [batch, d] */
export function firstOf({ hidden, batch }: Pick<Contextual, 'hidden' | 'batch'>): tf.Tensor2D {
  const [rows, d] = hidden.shape
  return tf.reshape(tf.slice(tf.reshape(hidden, [batch, rows / batch, d]), [0, 0, 0], [batch, 1, d]), [batch, d])
}

/** Every token, without the prompt. → [batch·length, d] */
export function tokensOf({ hidden, batch, prompt }: Contextual): tf.Tensor2D {
  if (prompt === 0) return hidden
  const [rows, d] = hidden.shape
  const length = rows / batch - prompt
  const [first, , rest] = tf.split(tf.reshape(hidden, [batch, -1, d]), [1, prompt, length - 1], 1)
  return tf.reshape(tf.concat([first!, rest!], 1), [-1, d])
}

/** The mean of every row's tokens, its prompt included. → [batch, d] */
export function meanOf({ hidden, mask, batch }: Contextual): tf.Tensor2D {
  const counted = tf.cast(mask, 'float32')
  const weights = tf.div(counted, tf.sum(counted, 1, true)) // [batch, length]
  const rows = tf.reshape(hidden, [batch, -1, hidden.shape[1]])
  return tf.reshape(tf.matMul(tf.expandDims(weights, 1), rows), [batch, -1])
}
