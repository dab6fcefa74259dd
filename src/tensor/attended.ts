import { type Kept, keptFactors } from './dropout.js'
import tf from './tf.cjs'

/**
 * dropout(softmax(scores))·values. scores [batch, heads, queries, keys], values [batch, heads, keys, d_kv] → [batch,
 * heads, queries, d_kv]. The gradient is written by hand: the softmax and the mask are kept for it, a byte an element,
 * and what the mask left of the softmax is computed again. With p = softmax(scores), m the mask's factors and g =
 * m·(dy·valuesᵀ), dscores = p·(g − Σ g·p) and dvalues = (p·m)ᵀ·dy.
 */
export function attended(scores: tf.Tensor4D, values: tf.Tensor4D, kept: Kept | undefined): tf.Tensor4D {
  if (!kept) return tf.matMul(tf.softmax(scores), values)
  const { mask, scale } = kept
  const product = tf.customGrad((...inputs) => {
    const [scores, values, save] = inputs as unknown as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc]
    const weights = tf.softmax(scores)
    save([weights, values, mask])
    const gradFunc = (dy: tf.Tensor, [weights, values, mask]: tf.Tensor[]) => {
      const factors = keptFactors(mask!, scale)
      const ofWeights = tf.mul(tf.matMul(dy, values!, false, true), factors)
      const along = tf.mul(ofWeights, weights!)
      const ofScores = tf.sub(along, tf.mul(tf.sum(along, -1, true), weights!))
      return [ofScores, tf.matMul(tf.mul(weights!, factors), dy, true, false)]
    }
    return { value: tf.matMul(tf.mul(weights, keptFactors(mask, scale)), values), gradFunc }
  })
  return product(scores, values) as tf.Tensor4D
}
