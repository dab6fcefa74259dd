import { closeSync, fstatSync } from 'node:fs'
import { UserError } from '../error.js'
import { writeAtomically, writeFully } from '../files/atomic.js'
import { openToRead } from '../files/read.js'
import { DAMAGED, readAt, readers } from './values.js'

/** Bytes of one element. https://github.com/huggingface/safetensors, without its types below one byte. */
const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const

export type Dtype = keyof typeof DTYPE_BYTES

export interface TensorEntry {
  name: string
  dtype: Dtype
  shape: number[]
  /** The first byte and the byte after the last, counted from the start of the file. */
  begin: number
  end: number
}

export interface SafetensorsFile {
  path: string
  metadata: Record<string, string>
  entries: Map<string, TensorEntry>
  /**
   * Reads F32, F16 or BF16 as float32, each value exact. Row-major, as many values as the shape holds.
   * @throws UserError naming file, tensor and place of a value that is NaN or infinite: weights never are.
   */
  read(name: string): Float32Array
  /** Reads I32, or I64 whose values fit. */
  readInts(name: string): Int32Array
  /** Copies the tensor's bytes as they are in the file, from `offset` on, as many as `into` holds; for comparisons. */
  readBytes(name: string, offset: number, into: Uint8Array): void
  close(): void
}

export interface WritableTensor {
  shape: readonly number[]
  data: Float32Array | Int32Array
}

/** Float32 values that are read only when they are written. */
export interface DeferredTensor {
  shape: readonly number[]
  read(): Float32Array
}

/**
 * The reference implementation accepts 100 MB, which as JSON can fill a gigabyte of memory; the largest T5's header has
 * some 0.2 MB, in one shard or in all.
 */
const HEADER_LIMIT = 4_000_000

/**
 * Opens a safetensors file and checks its whole header; tensors are read from disk when asked for.
 * @throws UserError naming the file, and the tensor if one is at fault: missing, truncated, not safetensors, offsets
 *   that overlap, leave gaps or do not fit shape and dtype.
 */
export function openSafetensors(path: string): SafetensorsFile {
  const fd = openToRead(path)
  try {
    const { metadata, entries } = readHeader(fd, path)
    return { path, metadata, entries, ...readers(fd, path, entries), close: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function readHeader(fd: number, path: string): Pick<SafetensorsFile, 'metadata' | 'entries'> {
  const stat = fstatSync(fd)
  const fail = (problem: string, remedy = DAMAGED) => new UserError({ at: path, problem, remedy })
  if (stat.size < 8) throw fail(`has ${stat.size} bytes, too few for a safetensors file.`)
  const prefix = new DataView(readAt(fd, path, 0, 8).buffer)
  const length = Number(prefix.getBigUint64(0, true))
  if (length + 8 > stat.size) {
    throw fail(`says that its header has ${length} bytes; the file has ${stat.size}. Not safetensors, or truncated.`)
  }
  if (length > HEADER_LIMIT) {
    throw fail(
      `has a header of ${length} bytes; at most ${HEADER_LIMIT} are read.`,
      'No T5 needs so many: do not trust it.',
    )
  }
  const header = parseHeader(readAt(fd, path, 8, length), fail)
  const { __metadata__: metadata, ...tensors } = header
  const entries = Object.entries(tensors).map(([name, entry]) => checkEntry(name, entry, 8 + length, fail))
  checkLayout(entries, 8 + length, stat.size, fail)
  return { metadata: checkMetadata(metadata, fail), entries: new Map(entries.map((entry) => [entry.name, entry])) }
}

type Fail = (problem: string, remedy?: string) => UserError

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw fail('has a header that is not JSON. Not safetensors, or damaged.')
  }
  if (!isRecord(header)) throw fail('has a header that is not a JSON object. Not safetensors, or damaged.')
  return header
}

function checkMetadata(metadata: unknown, fail: Fail): Record<string, string> {
  if (metadata === undefined || metadata === null) return {}
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw fail('has __metadata__ that is not a map from strings to strings.')
  }
  return metadata as Record<string, string>
}

function checkEntry(name: string, entry: unknown, dataStart: number, fail: Fail): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw fail(`has no valid dtype, shape and data_offsets for tensor ${clipped(name)}.`)
  }
  if (!Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw fail(
      `stores tensor ${clipped(name)} as ${clipped(dtype)}, which is not a known type.`,
      'Convert it to F32, F16 or BF16.',
    )
  }
  const bytes = elements(shape) * DTYPE_BYTES[dtype as Dtype]
  const [begin, end] = offsets as [number, number]
  if (end - begin !== bytes) {
    throw fail(
      `gives tensor ${clipped(name)} ${end - begin} bytes; ${dtype} [${clipped(shape.join(', '))}] takes ${bytes}.`,
    )
  }
  return { name, dtype: dtype as Dtype, shape, begin: dataStart + begin, end: dataStart + end }
}

/** Checks that tensors follow each other from the header to the end of the file, as the format demands. */
function checkLayout(entries: TensorEntry[], dataStart: number, size: number, fail: Fail): void {
  let at = dataStart
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end > size) {
      throw fail(`is truncated: tensor ${clipped(name)} ends at byte ${end}, the file at byte ${size}.`)
    }
    if (begin !== at)
      throw fail(`has tensor ${clipped(name)} at byte ${begin}, where ${at} was expected: overlap or gap.`)
    at = end
  }
  if (at !== size) throw fail(`has ${size - at} bytes after its last tensor.`)
}

/**
 * Writes float32 and int32 tensors, atomically. Tensors are sorted by name and the data begins at a multiple of 8, so
 * the same tensors give the same bytes, and the Python library reads them.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, WritableTensor | DeferredTensor]>,
  metadata: Record<string, string> = {},
): void {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))
  const header = encodeHeader(sorted, metadata)
  writeAtomically(path, (fd) => {
    writeFully(fd, header)
    for (const [name, tensor] of sorted) {
      const data = 'data' in tensor ? tensor.data : tensor.read()
      if (data.length !== elements(tensor.shape)) throw wrongLength(name, tensor.shape, data.length)
      writeFully(fd, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    }
  })
}

/**
 * Returns eight bytes of length, then JSON, padded with spaces. The JSON is joined by hand: an object would reorder
 * names that look like numbers.
 */
function encodeHeader(
  tensors: (readonly [string, WritableTensor | DeferredTensor])[],
  metadata: Record<string, string>,
): Uint8Array {
  const fields: string[] = []
  const keys = Object.keys(metadata).sort()
  if (keys.length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata, keys)}`)
  let offset = 0
  for (const [i, [name, tensor]] of tensors.entries()) {
    const { shape } = tensor
    const data = 'data' in tensor ? tensor.data : undefined
    if (name === '__metadata__' || name === tensors[i - 1]?.[0]) throw new Error(`tensor name ${name} is taken`)
    if (data && elements(shape) !== data.length) throw wrongLength(name, shape, data.length)
    const end = offset + 4 * elements(shape)
    const dtype = data instanceof Int32Array ? 'I32' : 'F32'
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`)
    offset = end
  }
  const json = Buffer.from(`{${fields.join(',')}}`)
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ')
  header.writeBigUInt64LE(BigInt(header.length - 8))
  json.copy(header, 8)
  return header
}

const wrongLength = (name: string, shape: readonly number[], length: number) =>
  new Error(`tensor ${name} has ${length} values; its shape [${shape.join(', ')}] has ${elements(shape)}`)

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Shortens a name that comes from the file: it may be megabytes long or hold control characters. */
function clipped(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, '\uFFFD')
  return plain.length > 120 ? `${plain.slice(0, 120)}…` : plain
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0)
}
