import castagnoli from 'crc-32/crc32c.js'

/**
 * TensorFlow's record files: a record is its length (uint64), the masked CRC-32C of that, the bytes, and their masked
 * CRC-32C; all little-endian. Source: tensorflow/core/lib/io/record_writer.h.
 */
const HEAD = 12
const TAIL = 4

export function frameRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(HEAD + data.length + TAIL)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8)
  record.set(data, HEAD)
  record.writeUInt32LE(maskedCrc32c(data), HEAD + data.length)
  return record
}

/** Yields the records of a file, up to the first that is damaged or that a kill cut short. */
export function* readRecords(file: Buffer): Generator<Buffer> {
  for (let at = 0; at + HEAD + TAIL <= file.length; ) {
    const length = Number(file.readBigUInt64LE(at))
    const end = at + HEAD + length
    if (file.readUInt32LE(at + 8) !== maskedCrc32c(file.subarray(at, at + 8)) || end + TAIL > file.length) return
    const data = file.subarray(at + HEAD, end)
    if (file.readUInt32LE(end) !== maskedCrc32c(data)) return
    yield data
    at = end + TAIL
  }
}

/** Masked, since the checksum of bytes that contain their own checksum means little. */
function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** Castagnoli's polynomial, reflected: RFC 3720, B.4. */
export const crc32c = (data: Uint8Array): number => castagnoli.buf(data) >>> 0
