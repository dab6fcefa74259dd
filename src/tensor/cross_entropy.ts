import tf from './tf.cjs'

/**
 * Returns the mean cross-entropy over the tokens, straight from logits [rows, vocabulary]; labels and mask [rows]
 * int32, the mask 1 at tokens and 0 at padding. Scalar, in nats. The gradient is written by hand: (softmax − target) /
 * tokens, 0 at padding. The target is one-hot; with label smoothing a share of it is spread evenly over the vocabulary,
 * as in PyTorch.
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  mask: tf.Tensor1D,
  labelSmoothing = 0,
): tf.Scalar {
  const vocabulary = logits.shape[1]
  const oneHot = () => tf.oneHot(labels, vocabulary)
  const smoothed = () => tf.add(tf.mul(oneHot(), 1 - labelSmoothing), labelSmoothing / vocabulary)
  const loss = tf.customGrad((...inputs) => {
    const [logits, save] = inputs as unknown as [tf.Tensor2D, tf.GradSaveFunc]
    const shifted = tf.sub(logits, tf.max(logits, 1, true))
    const logZ = tf.log(tf.sum(tf.exp(shifted), 1, true)) // [rows, 1]
    const logProbabilities = tf.sub(shifted, logZ)
    const counted = tf.cast(mask, 'float32') // [rows]
    const weights = tf.reshape(tf.div(counted, tf.sum(counted)), [-1, 1]) // [rows, 1]
    const target = tf.mul(labelSmoothing > 0 ? smoothed() : oneHot(), weights) // [rows, vocabulary]
    save([logProbabilities, target, weights])
    const terms = tf.mul(logProbabilities, target)
    return { value: tf.neg(labelSmoothing > 0 ? sumOfAll(terms) : tf.sum(terms)), gradFunc: crossEntropyGradient }
  })
  return loss(logits) as tf.Scalar
}

/**
 * Sums x [rows, vocabulary] block by block. wasm adds the terms one after the other, and the sum of this many float32
 * terms would lose the small ones to rounding.
 */
function sumOfAll(x: tf.Tensor): tf.Tensor {
  const [rows, vocabulary] = x.shape as [number, number]
  let block = Math.floor(Math.sqrt(vocabulary))
  while (vocabulary % block !== 0) block--
  return tf.sum(tf.sum(tf.sum(tf.reshape(x, [rows, vocabulary / block, block]), 2), 1))
}

function crossEntropyGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor {
  const [logProbabilities, target, weights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
  return tf.mul(dy, tf.sub(tf.mul(tf.exp(logProbabilities), weights), target))
}
