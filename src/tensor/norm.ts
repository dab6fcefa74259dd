import tf from './tf.cjs'

/**
 * T5's layer norm: x · (mean(x²) + ε)^-½ · weight; no mean is subtracted, no bias added. x [rows, d], weight [d] →
 * [rows, d]. The gradient is written by hand: with n = x·r and g = dy·weight, dx = r·(g − n·mean(g·n)) and dweight = Σ
 * dy·n.
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const norm = tf.customGrad((...inputs) => {
    const [x, weight, save] = inputs as unknown as [tf.Tensor2D, tf.Tensor1D, tf.GradSaveFunc]
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon)) // [rows, 1]
    const normed = tf.mul(x, inverse)
    save([normed, weight, inverse])
    return { value: tf.mul(normed, weight), gradFunc: rmsNormGradient }
  })
  return norm(x, weight) as tf.Tensor2D
}

function rmsNormGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [normed, weight, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
  const scaled = tf.mul(dy, weight)
  const along = tf.mean(tf.mul(scaled, normed), 1, true) // [rows, 1]
  const dx = tf.mul(inverse, tf.sub(scaled, tf.mul(normed, along)))
  return [dx, tf.sum(tf.mul(dy, normed), 0)]
}

/**
 * The usual layer norm: mean subtracted, divided by the standard deviation, scaled, shifted if there is a bias. x
 * [rows, d] → [rows, d]. The gradient is written by hand: with n = (x − mean)·r and g = dy·weight, dx = r·(g − mean(g)
 * − n·mean(g·n)), dweight = Σ dy·n and dbias = Σ dy.
 */
export function meanNorm(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D | undefined,
  epsilon = 1e-5,
): tf.Tensor2D {
  const norm = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as tf.GradSaveFunc
    const [x, weight, bias] = inputs as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D?]
    const centred = tf.sub(x, tf.mean(x, 1, true))
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon)) // [rows, 1]
    const normed = tf.mul(centred, inverse)
    save([normed, weight, inverse])
    const scaled = tf.mul(normed, weight)
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const gradients = meanNormGradient(dy, saved)
      return bias ? [...gradients, tf.sum(dy, 0)] : gradients
    }
    return { value: bias ? tf.add(scaled, bias) : scaled, gradFunc }
  })
  return norm(x, weight, ...(bias ? [bias] : [])) as tf.Tensor2D
}

function meanNormGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [normed, weight, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
  const scaled = tf.mul(dy, weight)
  const along = tf.mean(tf.mul(scaled, normed), 1, true) // [rows, 1]
  const dx = tf.mul(inverse, tf.sub(tf.sub(scaled, tf.mean(scaled, 1, true)), tf.mul(normed, along)))
  return [dx, tf.sum(tf.mul(dy, normed), 0)]
}
