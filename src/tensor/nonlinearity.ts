import tf from './tf.cjs'

/**
 * max(x, 0). The gradient is written by hand and needs only which elements are positive: one bit of each is kept, not
 * x.
 */
export function relu<T extends tf.Tensor>(x: T): T {
  const positivePart = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc]
    save([tf.greater(x, 0)])
    return {
      value: tf.relu(x),
      gradFunc: (dy: tf.Tensor, [positive]: tf.Tensor[]) => tf.mul(dy, tf.cast(positive!, 'float32')),
    }
  })
  return positivePart(x) as T
}

/** x·Φ(x) with Φ by tanh: `gelu_new` (arXiv 1606.08415 § 2), the adapters' and T5 v1.1's nonlinearity. */
function geluNew<T extends tf.Tensor>(x: T): T {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(tf.square(x), x))))
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)))
}

/** x·Φ(x) with Φ by the error function. */
function gelu<T extends tf.Tensor>(x: T): T {
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))))
}

const swish = <T extends tf.Tensor>(x: T): T => tf.mul(x, tf.sigmoid(x))

export const nonlinearities = { gelu_new: geluNew, gelu, relu, swish }
