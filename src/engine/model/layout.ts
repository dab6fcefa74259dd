import { elements, type WritableTensor } from '../../base/safetensors/safetensors.js'
import type { ParameterSpec } from '../../method/method.js'
import tf from '../../tensor/tf.cjs'

/** The place of each trained tensor in the flat vector that the optimiser sees. */
export interface Layout {
  specs: ParameterSpec[]
  sizes: number[]
  /** Length of the vector: the number of trained parameters. */
  size: number
}

export function layoutOf(specs: ParameterSpec[]): Layout {
  const sizes = specs.map(({ shape }) => elements(shape))
  return { specs, sizes, size: sizes.reduce((sum, size) => sum + size, 0) }
}

/** Returns the trained tensors for the forward pass, in the layout's order. */
export function unflatten({ specs, sizes }: Layout, vector: tf.Tensor1D): tf.Tensor[] {
  return tf.split(vector, sizes).map((part, index) => tf.reshape(part, specs[index]!.shape))
}

/**
 * Returns the flat vector of tensors in the layout's order. A missing tensor had no part in the loss and becomes zeros.
 */
export function flatten({ sizes }: Layout, tensors: (tf.Tensor | null)[]): tf.Tensor1D {
  return tf.concat1d(
    tensors.map((tensor, index) => (tensor ? tf.reshape(tensor, [-1]) : tf.zeros([sizes[index]!])) as tf.Tensor1D),
  )
}

/** Cuts the flat vector's values into named tensors, to be written to a file. */
export function named({ specs, sizes }: Layout, values: Float32Array): [string, WritableTensor][] {
  let begin = 0
  return specs.map(({ name, shape }, index) => {
    const data = values.subarray(begin, begin + sizes[index]!)
    begin += sizes[index]!
    return [name, { shape, data }]
  })
}

/** Reads named tensors into one flat vector. `read` is called once for each name of the layout. */
export function gathered({ specs, sizes, size }: Layout, read: (spec: ParameterSpec) => Float32Array): Float32Array {
  const values = new Float32Array(size)
  let begin = 0
  for (const [index, spec] of specs.entries()) {
    values.set(read(spec), begin)
    begin += sizes[index]!
  }
  return values
}
