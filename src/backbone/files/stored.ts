import type { SafetensorsFile } from '../../base/safetensors/safetensors.js'

/** A tensor under its name in a weight file. */
export interface StoredTensor {
  file: SafetensorsFile
  name: string
}

/** Bytes that are compared at once. */
const PIECE = 1 << 22

/** Whether two tensors hold the same values in the same shape; reads piece by piece until they differ. */
export function sameValues(a: StoredTensor, b: StoredTensor): boolean {
  const [left, right] = [a.file.entries.get(a.name)!, b.file.entries.get(b.name)!]
  if (left.shape.join() !== right.shape.join()) return false
  if (left.dtype !== right.dtype) {
    const [x, y] = [a.file.read(a.name), b.file.read(b.name)]
    return x.every((value, i) => value === y[i])
  }
  const size = left.end - left.begin
  for (let offset = 0; offset < size; offset += PIECE) {
    const [x, y] = [Buffer.alloc(Math.min(PIECE, size - offset)), Buffer.alloc(Math.min(PIECE, size - offset))]
    a.file.readBytes(a.name, offset, x)
    b.file.readBytes(b.name, offset, y)
    if (!x.equals(y)) return false
  }
  return true
}
