import { after } from './after.js'
import { type Kept, keptFactors } from './dropout.js'
import tf from './tf.cjs'

/**
 * max(x, 0). The gradient is written by hand and needs only which elements are positive: a byte of each is kept, not x.
 * With `kept` it is dropout(max(x, 0)), and what is positive and not dropped is one mask.
 */
export function relu<T extends tf.Tensor>(x: T, kept?: Kept): T {
  const positivePart = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc]
    const positive = tf.greater(x, 0)
    const passes = kept ? tf.logicalAnd(positive, kept.mask) : positive
    save([passes])
    const factors = (mask: tf.Tensor) => (kept ? keptFactors(mask, kept.scale) : tf.cast(mask, 'float32'))
    return {
      // once the mask is there x can go
      value: after(passes, () => (kept ? tf.mul(tf.relu(x), factors(passes)) : tf.relu(x))),
      gradFunc: (dy: tf.Tensor, [passes]: tf.Tensor[]) => tf.mul(dy, factors(passes!)),
    }
  })
  return positivePart(x) as T
}

/**
 * Returns f of each element, with its gradient by hand. Only x is kept for it: tfjs's own gradients keep what each of
 * the operations in f needs.
 */
function ofElements(f: (x: tf.Tensor) => tf.Tensor, gradient: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor) {
  return <T extends tf.Tensor>(x: T): T => {
    const own = tf.customGrad((...inputs) => {
      const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc]
      save([x])
      return { value: f(x), gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) => gradient(dy, x!) }
    })
    return own(x) as T
  }
}

/**
 * x·Φ(x) with Φ by tanh: `gelu_new` (arXiv 1606.08415 § 2), the adapters' and T5 v1.1's nonlinearity. Its gradient has
 * the operations and the order of tfjs's own, so that runs of earlier versions go on to the same bits.
 */
const geluNew = ofElements(
  (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(innerOfTanh(x)))),
  (dy, x) => {
    const t = tf.tanh(innerOfTanh(x))
    const ofInner = tf.mul(tf.sub(1, tf.square(t)), tf.mul(dy, tf.mul(0.5, x)))
    const ofSum = tf.mul(ofInner, TANH_SCALE)
    const ofCube = tf.mul(ofSum, CUBE_SCALE)
    const outside = tf.add(tf.mul(tf.mul(dy, tf.add(1, t)), 0.5), ofSum)
    return tf.add(tf.add(outside, tf.mul(ofCube, tf.square(x))), tf.mul(tf.mul(ofCube, x), tf.mul(x, 2)))
  },
)

const TANH_SCALE = Math.sqrt(2 / Math.PI)
const CUBE_SCALE = 0.044715

const innerOfTanh = (x: tf.Tensor) => tf.mul(TANH_SCALE, tf.add(x, tf.mul(CUBE_SCALE, tf.mul(tf.square(x), x))))

/** x·Φ(x) with Φ by the error function. Φ′ is the density of the normal distribution. */
const gelu = ofElements(
  (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
  (dy, x) => {
    const density = tf.mul(1 / Math.sqrt(2 * Math.PI), tf.exp(tf.mul(-0.5, tf.square(x))))
    return tf.mul(dy, tf.add(tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))), tf.mul(x, density)))
  },
)

/** x·σ(kx): SiLU in PyTorch for k = 1, GELU by a sigmoid for k = 1.702 (arXiv 1606.08415 § 2). */
const sigmoidTimes = (k: number) => {
  const sigmoid = (x: tf.Tensor) => tf.sigmoid(k === 1 ? x : tf.mul(x, k))
  return ofElements(
    (x) => tf.mul(x, sigmoid(x)),
    (dy, x) => {
      const s = sigmoid(x)
      return tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(tf.mul(x, k), tf.sub(1, s)))))
    },
  )
}

/** x·tanh(ln(1 + eˣ)), arXiv 1908.08681. */
const mish = <T extends tf.Tensor>(x: T): T => tf.mul(x, tf.tanh(tf.softplus(x)))

/** PyTorch's slope. */
const leakyRelu = <T extends tf.Tensor>(x: T): T => tf.leakyRelu(x, 0.01)

/** By transformers' names, and PyTorch's for what transformers lacks. */
export const nonlinearities = {
  gelu_new: geluNew,
  gelu,
  quick_gelu: sigmoidTimes(1.702),
  relu: <T extends tf.Tensor>(x: T): T => relu(x),
  relu6: tf.relu6 as <T extends tf.Tensor>(x: T) => T,
  leaky_relu: leakyRelu,
  elu: tf.elu as <T extends tf.Tensor>(x: T) => T,
  swish: sigmoidTimes(1),
  mish,
  tanh: tf.tanh as <T extends tf.Tensor>(x: T) => T,
  sigmoid: tf.sigmoid as <T extends tf.Tensor>(x: T) => T,
  linear: <T extends tf.Tensor>(x: T): T => x,
}
