import type { NodeBackend } from './binding.js'
import tf from './tf.cjs'

/** Parts that are summed on their own: a bin of many numbers is then a sum of sums, which rounds less. */
const PARTS = 16

/**
 * Returns y [bins] with y[k] = Σ x[i] over all i with binOf[i] = k, in the same order each time. x, binOf [size]. The
 * bins are few enough for a cache, so that this takes a seventh of the time of a gather by the inverse permutation.
 */
export function sumsByBin(x: tf.Tensor1D, binOf: tf.Tensor1D, bins: number): tf.Tensor1D {
  const parts = x.size % PARTS === 0 ? Math.min(PARTS, x.size / bins) : 1
  const shape: [number, number] = [parts, x.size / parts]
  return tf.tidy(() => tf.sum(counted(tf.reshape(binOf, shape), tf.reshape(x, shape), bins), 0))
}

/** For each row y[k] = Σ x[j] over all j with binOf[j] = k. binOf, x [rows, size] → [rows, bins] */
function counted(binOf: tf.Tensor2D, x: tf.Tensor2D, bins: number): tf.Tensor2D {
  if (tf.getBackend() !== 'tensorflow') return tf.denseBincount(binOf, x, bins)
  // tfjs has no kernel of DenseBincount for TensorFlow; that of Bincount adds in an order that threads decide
  const backend = tf.backend() as NodeBackend
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT, TF_INT32 } = backend.binding
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'Tidx', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'binary_output', type: TF_ATTR_BOOL, value: false },
  ]
  return backend.executeSingleOutput('DenseBincount', attributes, [binOf, tf.scalar(bins, 'int32'), x]) as tf.Tensor2D
}
