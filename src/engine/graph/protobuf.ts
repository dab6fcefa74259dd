import protobuf from 'google-protobuf'

const { BinaryReader, BinaryWriter } = protobuf

/** A field of a message that was read: varints as bigint, everything else as its bytes. */
export type Field = [number: number, value: bigint | Uint8Array]

const VARINT = 0
const LENGTH_DELIMITED = 2

/** Yields the fields of a serialised message, in order. @throws Error where it breaks off or is not a message. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  const reader = new BinaryReader(bytes)
  while (reader.nextField()) {
    const number = reader.getFieldNumber()
    const kind: number = reader.getWireType()
    if (kind === VARINT) yield [number, BigInt(reader.readUint64String())]
    else if (kind === LENGTH_DELIMITED) yield [number, reader.readBytes()]
    else {
      const from = reader.getCursor()
      reader.skipField()
      yield [number, bytes.subarray(from, reader.getCursor())]
    }
  }
}

/** Returns the signed integers of a packed field. */
export function packed(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(delimited(1, bytes))
  return reader.nextField() ? reader.readPackedInt64() : []
}

/** Returns a varint field: an integer, a boolean or a member of an enumeration. */
export function integer(number: number, value: number | boolean): Uint8Array {
  const writer = new BinaryWriter()
  writer.writeInt64(number, Number(value))
  return writer.getResultBuffer()
}

/** Returns a length-delimited field: text, bytes, or a message of these parts. */
export function delimited(number: number, content: string | Uint8Array | Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter()
  const bytes = typeof content === 'string' ? Buffer.from(content) : Array.isArray(content) ? joined(content) : content
  writer.writeBytes(number, bytes) // its writeString drops half of a surrogate pair
  return writer.getResultBuffer()
}

export const joined = (parts: Uint8Array[]): Uint8Array => Buffer.concat(parts)
