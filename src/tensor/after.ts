import type { NodeBackend } from './binding.js'
import tf from './tf.cjs'

/**
 * Does what `body` does after x is computed. A captured graph has no order but that of its data: TensorFlow would do it
 * as soon as it can, and hold the results, or put it off, and hold what it needs.
 */
export function after<T>(x: tf.Tensor, body: () => T): T {
  const { binding } = tf.backend() as Partial<NodeBackend>
  return binding?.after ? binding.after(x, body) : body()
}
