import type { Made } from './made.js'
import tf from './tf.cjs'

export interface OpAttribute {
  name: string
  type: number
  value: unknown
}

/** A tensor that the binding holds. */
export interface BindingTensor {
  id: number
  dtype: number
  shape: number[]
}

/** The part of tfjs-node's native binding that we use. */
export interface Binding {
  TF_Version: string
  TF_ATTR_TYPE: number
  TF_ATTR_INT: number
  TF_ATTR_FLOAT: number
  TF_ATTR_BOOL: number
  TF_ATTR_STRING: number
  TF_ATTR_SHAPE: number
  TF_FLOAT: number
  TF_INT32: number
  isUsingGpuDevice(): boolean
  /** Every tensor with values from JavaScript is made here, and every kernel runs here. */
  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): ArrayLike<number>
  executeOp(name: string, attributes: OpAttribute[], inputs: number[], outputs: number): BindingTensor[]
  /** While a graph is captured: returns a tensor for values that are not made yet. */
  made?(made: Made): BindingTensor
  /** While a graph is captured: does what `body` does after the tensor is computed. */
  after?<T>(x: tf.Tensor, body: () => T): T
}

export interface NodeBackend extends tf.KernelBackend {
  binding: Binding
  executeSingleOutput(op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor
  createOutputTensor(metadata: BindingTensor): tf.Tensor
}

/**
 * Looks up rows of a table with TensorFlow's own op: tfjs's kernel reads every index back first. Needs the backend
 * `tensorflow`.
 */
export function gatherRows(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const backend = tf.backend() as NodeBackend
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding
  const attributes = [
    { name: 'Tparams', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'Tindices', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'Taxis', type: TF_ATTR_TYPE, value: TF_INT32 },
  ]
  const axis = () => tf.scalar(0, 'int32')
  return tf.tidy(() => backend.executeSingleOutput('GatherV2', attributes, [table, ids, axis()]) as tf.Tensor2D)
}
