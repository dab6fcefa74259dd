import tf from '../tf.cjs'

/**
 * Mean cross-entropy over the tokens, straight from logits [rows, vocabulary]; labels and mask [rows] int32, the mask 1 at
 * tokens and 0 at padding. Scalar, in nats. The gradient is written by hand: (softmax − one-hot) / tokens, 0 at padding.
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D, mask: tf.Tensor1D): tf.Scalar {
  const vocabulary = logits.shape[1]
  const loss = tf.customGrad((...inputs) => {
    const [logits, save] = inputs as unknown as [tf.Tensor2D, tf.GradSaveFunc]
    const shifted = tf.sub(logits, tf.max(logits, 1, true))
    const logZ = tf.log(tf.sum(tf.exp(shifted), 1, true)) // [rows, 1]
    const logProbabilities = tf.sub(shifted, logZ)
    const counted = tf.cast(mask, 'float32') // [rows]
    const weights = tf.reshape(tf.div(counted, tf.sum(counted)), [-1, 1]) // [rows, 1]
    const chosen = tf.mul(tf.oneHot(labels, vocabulary), weights) // [rows, vocabulary]
    save([logProbabilities, chosen, weights])
    return { value: tf.neg(tf.sum(tf.mul(logProbabilities, chosen))), gradFunc: crossEntropyGradient }
  })
  return loss(logits) as tf.Scalar
}

function crossEntropyGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor {
  const [logProbabilities, chosen, weights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
  return tf.mul(dy, tf.sub(tf.mul(tf.exp(logProbabilities), weights), chosen))
}
