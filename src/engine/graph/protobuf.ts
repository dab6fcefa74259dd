/** A field of a message that was read: varints as bigint, everything else as its bytes. */
export type Field = [number: number, value: bigint | Uint8Array]

const VARINT = 0
const DOUBLE = 1
const LENGTH_DELIMITED = 2
const FLOAT = 5

/** Yields the fields of a serialised message, in order. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = Number(varint())
    const kind = key & 7
    if (kind === VARINT) yield [key >>> 3, varint()]
    else {
      const length =
        kind === LENGTH_DELIMITED ? Number(varint()) : kind === FLOAT ? 4 : kind === DOUBLE ? 8 : Number.NaN
      if (Number.isNaN(length)) throw new Error(`a protobuf message has a field of the unknown kind ${kind}`)
      yield [key >>> 3, bytes.subarray(at, at + length)]
      at += length
    }
  }
}

/** Returns the signed integers of a packed field. */
export function packed(bytes: Uint8Array): number[] {
  const values: number[] = []
  for (let at = 0; at < bytes.length; ) {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) break
    }
    values.push(Number(BigInt.asIntN(64, value)))
  }
  return values
}

/** Returns a varint field: an integer, a boolean or a member of an enumeration. */
export const integer = (number: number, value: number | boolean): Uint8Array =>
  Uint8Array.from([...varint(number << 3), ...varint(Number(value))])

/** Returns a length-delimited field: text, bytes, or a message of these parts. */
export function delimited(number: number, content: string | Uint8Array | Uint8Array[]): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Array.isArray(content) ? joined(content) : content
  return joined([Uint8Array.from([...varint((number << 3) | LENGTH_DELIMITED), ...varint(bytes.length)]), bytes])
}

export const joined = (parts: Uint8Array[]): Uint8Array => Buffer.concat(parts)

function varint(value: number): number[] {
  let left = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128)
    left >>= 7n
  }
  return [...bytes, Number(left)]
}
