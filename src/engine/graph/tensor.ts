import type { Library, Pointer } from './library.js'

/** TF_DataType of the tensors that are exchanged. */
export const TYPES = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const
export type Dtype = keyof typeof TYPES

/** Values to be copied into native memory. */
export interface Values {
  shape: number[]
  data: Float32Array | Int32Array
}

export const typeOf = (data: ArrayBufferView): Dtype => (data instanceof Int32Array ? 'int32' : 'float32')

/** Returns a TF_Tensor with a copy of the values, which has to be freed with DeleteTensor. */
export function newTensor(library: Library, { shape, data }: Values): Pointer {
  const dimensions = shape.map(BigInt)
  const tensor = library.AllocateTensor!(TYPES[typeOf(data)], dimensions, shape.length, data.byteLength) as Pointer
  if (data.byteLength > 0) library.copies.write(library.TensorData!(tensor), data, data.byteLength)
  return tensor
}

/** Returns a copy of a TF_Tensor's values. */
export function tensorValues<T extends Float32Array | Int32Array>(
  library: Library,
  tensor: Pointer,
  as: new (length: number) => T,
): T {
  const bytes = Number(library.TensorByteSize!(tensor))
  const values = new as(bytes / 4)
  if (bytes > 0) library.copies.read(values, library.TensorData!(tensor), bytes)
  return values
}
