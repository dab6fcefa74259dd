import * as tf from '@tensorflow/tfjs-core'

/** W = Σᵢ Aᵢ ⊗ Bᵢ, built. A [n, a, c], B [n, p, q] → [a·p, c·q] */
export function kronecker(A: tf.Tensor3D, B: tf.Tensor3D): tf.Tensor2D {
  const [n, a, c] = A.shape
  const [, p, q] = B.shape
  const products = tf.matMul(tf.reshape(A, [n, a * c]), tf.reshape(B, [n, p * q]), true) // [a·c, p·q]
  return tf.reshape(tf.transpose(tf.reshape(products, [a, c, p, q]), [0, 2, 1, 3]), [a * p, c * q])
}
