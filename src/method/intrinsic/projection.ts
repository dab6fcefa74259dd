import tf from '../../tensor/tf.cjs'

/** A linear map P: v [dimension] → [size], too large to be held as a matrix. */
export interface Projection {
  apply(v: tf.Tensor1D): tf.Tensor1D
  /** Pᵀ: [size] → [dimension] */
  transposed(dy: tf.Tensor1D): tf.Tensor1D
}

/**
 * Returns frozen + P(v), with Pᵀ as its gradient for v; nothing is kept between the two. frozen, result: any shape of
 * P's size.
 */
export function moved(frozen: tf.Tensor, v: tf.Tensor1D, projection: Projection): tf.Tensor {
  const move = tf.customGrad((...inputs) => {
    const [v] = inputs as [tf.Tensor1D]
    const value = tf.tidy(() => tf.add(frozen, tf.reshape(projection.apply(v), frozen.shape)))
    return { value, gradFunc: (dy: tf.Tensor) => replaced(dy, (dy) => projection.transposed(tf.reshape(dy, [-1]))) }
  })
  return move(v)
}

/**
 * Returns f(x) and frees x at once: a tidy would free it only at its end, and gradients as large as the backbone would
 * add up until then.
 */
export function replaced<X extends tf.Tensor, Y extends tf.Tensor>(x: X, f: (x: X) => Y): Y {
  const y = tf.tidy(() => f(x))
  x.dispose()
  return y
}

/** Appends zeros to x up to `length`. */
export const padded = (x: tf.Tensor1D, length: number): tf.Tensor1D => tf.pad1d(x, [0, length - x.size])
