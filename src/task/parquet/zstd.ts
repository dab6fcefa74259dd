import { decompress } from 'fzstd'

/** Bytes to recognise places that a frame did not reach; text seldom contains one of them. */
const [UNREACHED, OTHER] = [0xa5, 0x5a]

/**
 * Decompresses a Zstandard frame of `length` bytes into exactly as many: on its own, fzstd allocates what the frame
 * claims.
 * @throws Error where it has more or fewer.
 */
export function zstd(input: Uint8Array, length: number): Uint8Array {
  const bytes = filled(input, length, UNREACHED)
  const isShort = length > 0 && bytes[length - 1] === UNREACHED && filled(input, length, OTHER)[length - 1] === OTHER
  if (bytes[length] !== UNREACHED || isShort) throw new Error(`a page has not the ${length} bytes that its header says`)
  return bytes.subarray(0, length)
}

/** Decompresses into one byte more than `length`, with `unreached` where the frame does not reach. */
function filled(input: Uint8Array, length: number, unreached: number): Uint8Array {
  const bytes = new Uint8Array(length + 1).fill(unreached)
  const found = decompress(input, bytes)
  if (found.length !== bytes.length) throw new Error('a page has several Zstandard frames')
  return bytes
}
