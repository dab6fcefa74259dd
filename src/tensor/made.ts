import type { NodeBackend } from './binding.js'
import tf from './tf.cjs'

/** Values that can be made anew at any time, and the name that tells them from all others. */
export interface Made {
  name: string
  shape: number[]
  dtype: 'float32' | 'int32'
  make(): Float32Array | Int32Array
}

/**
 * Returns a tensor of values that can be made anew at any time. A captured graph reads them from a variable of their
 * name; they are made when the session needs them, one tensor at a time, and by no other graph of it.
 */
export function madeTensor<T extends tf.Tensor>(made: Made): T {
  const backend = tf.backend() as NodeBackend
  if (backend.binding?.made) return backend.createOutputTensor(backend.binding.made(made)) as T
  return tf.tensor(made.make(), made.shape, made.dtype) as T
}
