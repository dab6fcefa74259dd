import tf from '../../tensor/tf.cjs'

/**
 * x·W for W = Σᵢ Aᵢ ⊗ (sᵢ·tᵢ), W never built: the rule is merged into the narrower factor, which gives a matrix of n²·r
 * rows or columns. x [rows, n·p], A [n, n, n], s [n, p, r], t [n, r, q] → [rows, n·q]. Compacter (arXiv 2106.04647) §
 * 3, eq. 5.
 */
export function lowRankPhm(x: tf.Tensor2D, A: tf.Tensor3D, s: tf.Tensor3D, t: tf.Tensor3D): tf.Tensor2D {
  const rows = x.shape[0]
  const n = A.shape[0]
  const [, p, r] = s.shape
  const q = t.shape[2]
  if (p > q) {
    const left = tf.reshape(tf.transpose(s, [1, 0, 2]), [p, n * r]) // [p, i·r]
    const right = tf.reshape(tf.transpose(outer(A, t), [1, 0, 3, 2, 4]), [n * n * r, n * q]) // [a·i·r, c·q]
    const parts = tf.matMul(tf.reshape(x, [rows * n, p]), left) // [rows·a, i·r]
    return tf.matMul(tf.reshape(parts, [rows, n * n * r]), right)
  }
  const left = tf.reshape(tf.transpose(outer(A, s), [1, 3, 2, 0, 4]), [n * p, n * n * r]) // [a·p, c·i·r]
  const parts = tf.reshape(tf.matMul(x, left), [rows * n, n * r]) // [rows·c, i·r]
  return tf.reshape(tf.matMul(parts, tf.reshape(t, [n * r, q])), [rows, n * q])
}

/**
 * x·W for W = Σᵢ Aᵢ ⊗ Bᵢ with every Bᵢ stored whole, W never built: Bᵢ times an identity of its narrower side, as
 * factors.
 * x [rows, n·p], A [n, n, n], B [n, p, q] → [rows, n·q]. PHM layer (arXiv 2102.08597), Compacter eq. 3.
 */
export function phm(x: tf.Tensor2D, A: tf.Tensor3D, B: tf.Tensor3D): tf.Tensor2D {
  const [, p, q] = B.shape
  const identity = tf.expandDims<tf.Tensor3D>(tf.eye(Math.min(p, q)), 0) // [1, size, size]
  return p > q ? lowRankPhm(x, A, B, identity) : lowRankPhm(x, A, identity, B)
}

/**
 * Multiplies every entry of Aᵢ by every entry of Fᵢ. A [i, a, c], F [i, f, g], or [1, f, g] for all i → [i, a, c, f, g]
 */
function outer(A: tf.Tensor3D, F: tf.Tensor3D): tf.Tensor5D {
  const n = A.shape[0]
  const [count, f, g] = F.shape
  return tf.reshape(tf.mul(tf.reshape(A, [n, n * n, 1]), tf.reshape(F, [count, 1, f * g])), [n, n, n, f, g])
}
