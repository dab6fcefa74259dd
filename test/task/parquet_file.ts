/**
 * A value of Thrift's compact protocol: a whole number of 32 or 64 bits, bytes, a list, or a structure by its fields'
 * numbers.
 */
type Thrift = number | bigint | Buffer | Thrift[] | { [field: number]: Thrift }

const [I32, I64, BINARY, LIST, STRUCT] = [5, 6, 8, 9, 12]

function typeOf(value: Thrift): number {
  if (typeof value === 'number') return I32
  if (typeof value === 'bigint') return I64
  return Buffer.isBuffer(value) ? BINARY : Array.isArray(value) ? LIST : STRUCT
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

const zigzag = (value: number | bigint) => varint(BigInt(value) * 2n)

export function thrift(value: Thrift): Buffer {
  if (typeof value === 'number' || typeof value === 'bigint') return zigzag(value)
  if (Buffer.isBuffer(value)) return Buffer.concat([varint(value.length), value])
  if (Array.isArray(value)) {
    const head = Buffer.concat([Buffer.from([0xf0 | typeOf(value[0] ?? 0)]), varint(value.length)])
    return Buffer.concat([head, ...value.map(thrift)])
  }
  const fields = Object.entries(value).flatMap(([field, value]) => [
    Buffer.concat([Buffer.from([typeOf(value)]), zigzag(Number(field))]),
    thrift(value),
  ])
  return Buffer.concat([...fields, Buffer.from([0])])
}

export const CODECS = { UNCOMPRESSED: 0, GZIP: 2, ZSTD: 6 }
export const ENCODINGS = { PLAIN: 0, DELTA_BYTE_ARRAY: 7, RLE_DICTIONARY: 8 }
const BYTE_ARRAY = 6
const UTF8 = 0

export interface ParquetFile {
  /** Of the only page, as it is in the file. */
  body: Buffer
  codec?: number
  encoding?: number
  optional?: boolean
  /** What is said, by the footer and by the page. */
  rows?: number | bigint
  values?: number
  uncompressed?: number
  /** Row groups that all name the same page. */
  groups?: number
  /** Groups that the column is in, one in the other. */
  depth?: number
  /** What the footer ends with instead of its end. */
  tail?: Buffer
}

/**
 * A parquet file of one column of texts, `text`, that may say of itself what is not so. By the format's definition:
 * parquet.thrift.
 */
export function parquetFile(of: ParquetFile): Buffer {
  const { body, codec = 0, encoding = 0, optional = false, rows = 1, groups = 1, depth = 0, tail } = of
  const { values = Number(rows), uncompressed = body.length } = of
  const page = Buffer.concat([
    thrift({ 1: 0, 2: uncompressed, 3: body.length, 5: { 1: values, 2: encoding, 3: 3, 4: 3 } }),
    body,
  ])
  const text = Buffer.from('text')
  const size = BigInt(page.length)
  const column = {
    1: BYTE_ARRAY,
    2: [encoding],
    3: [...Array<Buffer>(depth).fill(text), text],
    4: codec,
    5: BigInt(rows),
    6: size,
    7: size,
    9: 4n,
  }
  const group = { 1: [{ 2: 4n, 3: column }], 2: size, 3: BigInt(rows) }
  const leaf = { 1: BYTE_ARRAY, 3: optional ? 1 : 0, 4: text, 6: UTF8 }
  const schema = [{ 4: Buffer.from('schema'), 5: 1 }, ...Array<Thrift>(depth).fill({ 3: 1, 4: text, 5: 1 }), leaf]
  const footer = thrift({ 1: 1, 2: schema, 3: BigInt(rows), 4: Array<Thrift>(groups).fill(group) })
  const whole = tail ? Buffer.concat([footer.subarray(0, -1), tail]) : footer
  const length = Buffer.alloc(4)
  length.writeUInt32LE(whole.length)
  return Buffer.concat([Buffer.from('PAR1'), page, whole, length, Buffer.from('PAR1')])
}

/** A text as PLAIN has it. */
export function plain(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(text))
  return Buffer.concat([length, Buffer.from(text)])
}
