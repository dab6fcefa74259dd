import tf from './tf.cjs'

/** Natural logarithm of the softmax of logits [rows, vocabulary] at one token per row; tokens [rows] int32 → [rows]. */
export function logProbability(logits: tf.Tensor2D, tokens: tf.Tensor1D): tf.Tensor1D {
  const places = tf.stack([tf.range(0, tokens.shape[0], 1, 'int32'), tokens], 1) // [rows, 2]
  return tf.sub(tf.gatherND(logits, places), tf.logSumExp(logits, 1))
}
