import { openSafetensors } from '../base/safetensors/safetensors.js'

/** A tensor in a file from another program; its values are read when asked for. */
export interface ForeignTensor {
  shape: number[]
  read(): Float32Array
}

/** Named tensors from another program, whatever the file's format. */
export interface ForeignFile {
  path: string
  tensors: Map<string, ForeignTensor>
  close(): void
}

/** Opens a safetensors file. */
export function foreignSafetensors(path: string): ForeignFile {
  const file = openSafetensors(path)
  const tensors = [...file.entries.values()].map(
    ({ name, shape }) => [name, { shape, read: () => file.read(name) }] as const,
  )
  return { path, tensors: new Map(tensors), close: () => file.close() }
}
