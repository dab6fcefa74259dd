import tf from './tf.cjs'

/** Natural logarithm of the softmax of logits [rows, vocabulary] at one token per row; tokens [rows] int32 → [rows]. */
export function logProbability(logits: tf.Tensor2D, tokens: tf.Tensor1D): tf.Tensor1D {
  return logProbabilityAt(logits, tf.stack([tf.range(0, tokens.shape[0], 1, 'int32'), tokens], 1) as tf.Tensor2D)
}

/** As `logProbability`, at places [rows, 2] int32: the row, which counts from 0, and the token. */
export function logProbabilityAt(logits: tf.Tensor2D, places: tf.Tensor2D): tf.Tensor1D {
  return tf.sub(tf.gatherND(logits, places), tf.logSumExp(logits, 1))
}
