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

/** x·σ(x), SiLU in PyTorch. */
const swish = <T extends tf.Tensor>(x: T): T => tf.mul(x, tf.sigmoid(x))

/** x·σ(1.702x): GELU by a sigmoid (arXiv 1606.08415 § 2). */
const quickGelu = <T extends tf.Tensor>(x: T): T => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)))

/** x·tanh(ln(1 + eˣ)), arXiv 1908.08681. */
const mish = <T extends tf.Tensor>(x: T): T => tf.mul(x, tf.tanh(tf.softplus(x)))

/** PyTorch's slope. */
const leakyRelu = <T extends tf.Tensor>(x: T): T => tf.leakyRelu(x, 0.01)

/** By transformers' names, and PyTorch's for what transformers lacks. */
export const nonlinearities = {
  gelu_new: geluNew,
  gelu,
  quick_gelu: quickGelu,
  relu,
  relu6: tf.relu6 as <T extends tf.Tensor>(x: T) => T,
  leaky_relu: leakyRelu,
  elu: tf.elu as <T extends tf.Tensor>(x: T) => T,
  swish,
  mish,
  tanh: tf.tanh as <T extends tf.Tensor>(x: T) => T,
  sigmoid: tf.sigmoid as <T extends tf.Tensor>(x: T) => T,
  linear: <T extends tf.Tensor>(x: T): T => x,
}
