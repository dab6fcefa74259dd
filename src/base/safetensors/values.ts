import { UserError } from '../error.js'
import { readFully } from '../files/read.js'
import { checkFinite } from '../numbers/finite.js'
import { bf16ToFloat32, f16ToFloat32 } from '../numbers/half.js'
import type { Dtype, SafetensorsFile, TensorEntry } from './safetensors.js'

/** Bytes of half-precision values that are held at once, in addition to the result. */
const PIECE_BYTES = 1 << 22
export const DAMAGED = 'The file is damaged or was not copied whole: fetch it again.'

type Readers = Pick<SafetensorsFile, 'read' | 'readInts' | 'readBytes'>

/** Returns the functions that read an open file's tensors; errors name `path`. */
export function readers(fd: number, path: string, entries: Map<string, TensorEntry>): Readers {
  const entry = (name: string): TensorEntry => {
    const found = entries.get(name)
    if (!found) throw new UserError({ at: path, problem: `has no tensor ${name}.` })
    return found
  }
  return {
    read(name: string): Float32Array {
      const { dtype, shape, begin, end } = entry(name)
      if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') throw wrongType(path, name, dtype, 'F32, F16 or BF16')
      const values = new Float32Array((end - begin) / (dtype === 'F32' ? 4 : 2))
      if (dtype === 'F32') readInto(fd, path, begin, new Uint8Array(values.buffer))
      else readPieces(fd, path, begin, values, dtype === 'F16' ? f16ToFloat32 : bf16ToFloat32)
      return checkFinite(values, shape, { path, name })
    },
    readInts(name: string): Int32Array {
      const { dtype, begin, end } = entry(name)
      if (dtype !== 'I32' && dtype !== 'I64') throw wrongType(path, name, dtype, 'I32 or I64')
      const { buffer } = readAt(fd, path, begin, end - begin)
      if (dtype === 'I32') return new Int32Array(buffer)
      const long = new BigInt64Array(buffer)
      const values = new Int32Array(long.length)
      long.forEach((value, i) => {
        values[i] = Number(value)
        if (BigInt(values[i]!) !== value) {
          throw new UserError({ at: path, problem: `tensor ${name} holds ${value}, which does not fit 32 bits.` })
        }
      })
      return values
    },
    readBytes(name: string, offset: number, into: Uint8Array): void {
      readInto(fd, path, entry(name).begin + offset, into)
    },
  }
}

function wrongType(path: string, name: string, dtype: Dtype, expected: string): UserError {
  return new UserError({
    at: path,
    problem: `stores tensor ${name} as ${dtype}; expected ${expected}.`,
    remedy: `Convert it to ${expected}.`,
  })
}

function readPieces(
  fd: number,
  path: string,
  begin: number,
  values: Float32Array,
  convert: (halves: Uint16Array, into: Float32Array, offset: number) => void,
): void {
  const piece = new Uint16Array(Math.min(values.length, PIECE_BYTES / 2))
  for (let done = 0; done < values.length; done += piece.length) {
    const halves = piece.subarray(0, Math.min(piece.length, values.length - done))
    readInto(fd, path, begin + 2 * done, new Uint8Array(halves.buffer, 0, halves.byteLength))
    convert(halves, values, done)
  }
}

/** Returns `length` bytes from that position on. */
export function readAt(fd: number, path: string, position: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  readInto(fd, path, position, bytes)
  return bytes
}

function readInto(fd: number, path: string, position: number, bytes: Uint8Array): void {
  if (readFully(fd, position, bytes)) return
  throw new UserError({ at: path, problem: 'became shorter while it was read.', remedy: DAMAGED })
}
