import * as tf from '@tensorflow/tfjs-core'

/**
 * x·W for W = Σᵢ Aᵢ ⊗ (sᵢ·tᵢ), W never built: x's n parts go through s, are mixed by the rule, and leave through t.
 * x [rows, n·p], A [n, n, n], s [n, p, r], t [n, r, q] → [rows, n·q]. Compacter (arXiv 2106.04647) § 3, eq. 5.
 */
export function lowRankPhm(x: tf.Tensor2D, A: tf.Tensor3D, s: tf.Tensor3D, t: tf.Tensor3D): tf.Tensor2D {
  const rows = x.shape[0]
  const [n, p, r] = s.shape
  const q = t.shape[2]
  const down = tf.matMul(tf.reshape(x, [rows * n, p]), tf.reshape(tf.transpose(s, [1, 0, 2]), [p, n * r])) // [rows·a, i·r]
  const mixed = mixParts(tf.reshape(down, [rows, n, n, r]), A) // [rows, c, i, r]
  return tf.reshape(tf.matMul(tf.reshape(mixed, [rows * n, n * r]), tf.reshape(t, [n * r, q])), [rows, n * q])
}

/**
 * x·W for W = Σᵢ Aᵢ ⊗ Bᵢ with every Bᵢ stored whole, W never built.
 * x [rows, n·p], A [n, n, n], B [n, p, q] → [rows, n·q]. PHM layer (arXiv 2102.08597), Compacter eq. 3.
 */
export function phm(x: tf.Tensor2D, A: tf.Tensor3D, B: tf.Tensor3D): tf.Tensor2D {
  const [, p, q] = B.shape
  return p > q ? blocksFirst(x, A, B) : ruleFirst(x, A, B)
}

/** For a projection down: what lies between the two products is [rows, n·n·q], as small as it can be. */
function blocksFirst(x: tf.Tensor2D, A: tf.Tensor3D, B: tf.Tensor3D): tf.Tensor2D {
  const rows = x.shape[0]
  const [n, p, q] = B.shape
  const blocks = tf.reshape(tf.transpose(B, [1, 0, 2]), [p, n * q]) // [p, i·q]
  const down = tf.reshape(tf.matMul(tf.reshape(x, [rows * n, p]), blocks), [rows, n * n, q]) // [rows, a·i, q]
  const byPart = tf.reshape(tf.transpose(down, [0, 2, 1]), [rows * q, n * n]) // [rows·q, a·i]
  const rule = tf.reshape(tf.transpose(A, [1, 0, 2]), [n * n, n]) // [a·i, c]
  return tf.reshape(tf.transpose(tf.reshape(tf.matMul(byPart, rule), [rows, q, n]), [0, 2, 1]), [rows, n * q])
}

/** For a projection up: what lies between is [rows, n·n·p]. */
function ruleFirst(x: tf.Tensor2D, A: tf.Tensor3D, B: tf.Tensor3D): tf.Tensor2D {
  const rows = x.shape[0]
  const [n, p, q] = B.shape
  const byPlace = tf.reshape(tf.transpose(tf.reshape(x, [rows, n, p]), [0, 2, 1]), [rows * p, n]) // [rows·p, a]
  const rule = tf.reshape(tf.transpose(A, [1, 2, 0]), [n, n * n]) // [a, c·i]
  const mixed = tf.reshape(tf.matMul(byPlace, rule), [rows, p, n * n]) // [rows, p, c·i]
  const byPart = tf.reshape(tf.transpose(mixed, [0, 2, 1]), [rows * n, n * p]) // [rows·c, i·p]
  return tf.reshape(tf.matMul(byPart, tf.reshape(B, [n * p, q])), [rows, n * q])
}

/** Σₐ parts[row, a, i, r] · A[i, a, c] for every i. parts [rows, a, i, r], A [i, a, c] → [rows, c, i, r] */
function mixParts(parts: tf.Tensor4D, A: tf.Tensor3D): tf.Tensor4D {
  const [rows, n, , r] = parts.shape
  const byRule = tf.reshape(tf.transpose(parts, [2, 0, 3, 1]), [n, rows * r, n]) // [i, rows·r, a]
  const mixed = tf.reshape(tf.matMul(byRule, A), [n, rows, r, n]) // [i, rows, r, c]
  return tf.transpose(mixed as tf.Tensor4D, [1, 3, 0, 2]) // [rows, c, i, r]
}
