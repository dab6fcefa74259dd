/** The most levels of nested structures: parquet's own have some ten. */
const DEEPEST = 32
/** The most bytes of a number of 64 bits, with seven bits per byte. */
const LONGEST_NUMBER = 10
/** The most bytes of a smallest or largest value; hyparquet turns a decimal one into a number in quadratic time. */
const LONGEST_STATISTIC = 65_536
const STATISTICS = /^\.4\.1\.3\.12\.\d+$/

const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12]

/**
 * Walks a message of Thrift's compact protocol that begins at `from`, before hyparquet does, which trusts every length
 * in it.
 * @throws Error where it is cut short, nests too deep, or has a number or a statistic with more bytes than allowed.
 */
export function checkThrift(bytes: Uint8Array, from: number): void {
  checkStruct(new Message(bytes, from), '', 0)
}

/** The bytes of a message, read from front to back. */
class Message {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes
    this.#at = from
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    if (this.left <= 0) throw new Error('it breaks off')
    return this.#bytes[this.#at++]!
  }

  number(): number {
    let value = 0
    for (let length = 1; ; length++) {
      if (length > LONGEST_NUMBER) throw new Error(`a number in it has more than ${LONGEST_NUMBER} bytes`)
      const next = this.byte()
      value |= (next & 0x7f) << (7 * (length - 1))
      if (next < 0x80) return value
    }
  }

  skip(length: number): void {
    if (length < 0 || length > this.left) throw new Error(`a value in it has ${length} bytes, more than there are`)
    this.#at += length
  }
}

/** @param path the fields that lead to the struct, `.4.1` */
function checkStruct(message: Message, path: string, depth: number): void {
  if (depth > DEEPEST) throw new Error(`it nests deeper than ${DEEPEST}`)
  for (let field = 0; ; ) {
    const head = message.byte()
    if ((head & 15) === STOP) return
    if (head >> 4) field += head >> 4
    else {
      const zigzag = message.number()
      field = (zigzag >>> 1) ^ -(zigzag & 1)
    }
    checkElement(message, head & 15, `${path}.${field}`, depth)
  }
}

function checkElement(message: Message, type: number, path: string, depth: number): void {
  if (type === TRUE || type === FALSE) return
  if (type === BYTE) message.skip(1)
  else if (type === I16 || type === I32 || type === I64) message.number()
  else if (type === DOUBLE) message.skip(8)
  else if (type === BINARY) checkBinary(message, path)
  else if (type === LIST) checkList(message, path, depth)
  else if (type === STRUCT) checkStruct(message, path, depth + 1)
  else throw new Error(`it has a value of type ${type}, which parquet does not use`)
}

function checkBinary(message: Message, path: string): void {
  const length = message.number()
  if (length > LONGEST_STATISTIC && STATISTICS.test(path))
    throw new Error(`a statistic in it has ${length} bytes; at most ${LONGEST_STATISTIC} are read`)
  message.skip(length)
}

function checkList(message: Message, path: string, depth: number): void {
  const head = message.byte()
  const size = head >> 4 === 15 ? message.number() : head >> 4
  const type = head & 15
  if (size < 0 || size > message.left) throw new Error(`a list in it has ${size} entries, more than there are bytes`)
  for (let i = 0; i < size; i++) checkElement(message, type === TRUE || type === FALSE ? BYTE : type, path, depth)
}
