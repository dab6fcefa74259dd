import { gatherRows } from './binding.js'
import tf from './tf.cjs'

/**
 * Looks up rows of a table. table [rows, d], ids [count] int32 → [count, d]. The gradient is written by hand, as a
 * scatter that sums what goes to the same row: the one that tfjs has for `gather` needs an op that wasm lacks.
 */
export function lookUp(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const shape = table.shape
  const chosen = tf.customGrad((...inputs) => {
    const [table, save] = inputs as unknown as [tf.Tensor2D, tf.GradSaveFunc]
    save([ids])
    const gradFunc = (dy: tf.Tensor, [ids]: tf.Tensor[]) => tf.scatterND(tf.reshape(ids!, [-1, 1]), dy, shape)
    return { value: tf.getBackend() === 'tensorflow' ? gatherRows(table, ids) : tf.gather(table, ids), gradFunc }
  })
  return chosen(table) as tf.Tensor2D
}
