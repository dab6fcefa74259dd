/** Structures in structures: parquet's own go some ten deep. */
const DEEPEST = 32
/** Bytes of a number of 64 bits, seven bits a byte. */
const LONGEST_NUMBER = 10
/** Bytes of a smallest or largest value; hyparquet makes a number of a decimal one in quadratic time. */
const LONGEST_STATISTIC = 65_536
const STATISTICS = /^\.4\.1\.3\.12\.\d+$/

const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12]

/**
 * Walks a message of Thrift's compact protocol that begins at `from`, as hyparquet will, which believes every length in it.
 * @throws Error where it breaks off, nests too deep, or has a number or a statistic of more bytes than any has.
 */
export function checkThrift(bytes: Uint8Array, from: number): void {
  let at = from
  const byte = () => {
    if (at >= bytes.length) throw new Error('it breaks off')
    return bytes[at++]!
  }
  const number = () => {
    let value = 0
    for (let length = 1; ; length++) {
      if (length > LONGEST_NUMBER) throw new Error(`a number in it has more than ${LONGEST_NUMBER} bytes`)
      const next = byte()
      value |= (next & 0x7f) << (7 * (length - 1))
      if (next < 0x80) return value
    }
  }
  const skip = (length: number) => {
    if (length < 0 || length > bytes.length - at)
      throw new Error(`a value in it has ${length} bytes, more than there are`)
    at += length
  }

  function element(type: number, path: string, depth: number): void {
    if (type === TRUE || type === FALSE) return
    if (type === BYTE) skip(1)
    else if (type === I16 || type === I32 || type === I64) number()
    else if (type === DOUBLE) skip(8)
    else if (type === BINARY) {
      const length = number()
      if (length > LONGEST_STATISTIC && STATISTICS.test(path))
        throw new Error(`a statistic in it has ${length} bytes; at most ${LONGEST_STATISTIC} are read`)
      skip(length)
    } else if (type === LIST) list(path, depth)
    else if (type === STRUCT) struct(path, depth + 1)
    else throw new Error(`it has a value of type ${type}, which parquet does not use`)
  }

  function list(path: string, depth: number): void {
    const head = byte()
    const size = head >> 4 === 15 ? number() : head >> 4
    const type = head & 15
    if (size < 0 || size > bytes.length - at)
      throw new Error(`a list in it has ${size} entries, more than there are bytes`)
    for (let i = 0; i < size; i++) element(type === TRUE || type === FALSE ? BYTE : type, path, depth)
  }

  function struct(path: string, depth: number): void {
    if (depth > DEEPEST) throw new Error(`it nests deeper than ${DEEPEST}`)
    for (let field = 0; ; ) {
      const head = byte()
      if ((head & 15) === STOP) return
      if (head >> 4) field += head >> 4
      else {
        const zigzag = number()
        field = (zigzag >>> 1) ^ -(zigzag & 1)
      }
      element(head & 15, `${path}.${field}`, depth)
    }
  }

  struct('', 0)
}
