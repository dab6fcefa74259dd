import { isUtf8 } from 'node:buffer'
import type { LogicalType, ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet'
import { parseExactly } from '../rows/exact_json.js'
import { shortestFloat16, shortestFloat32 } from '../rows/shortest.js'
import { dateText, decimalText, intervalText, NANOS, timestampText, timeText, uuidText } from './text.js'

/** Converts a leaf's stored value to the value in a row. */
type Convert = (stored: unknown) => unknown

/**
 * Returns a file's schema changed so that hyparquet decodes texts and returns everything else as stored: its own
 * decimals are products of floats, its times are milliseconds, and an interval makes it fail. `converterOf` does the
 * rest.
 */
export function asStored(schema: SchemaElement[]): SchemaElement[] {
  return schema.map((element) => {
    const { logical_type: _, converted_type, ...stored } = element
    const isGroup = element.type === undefined // a list or a map; a variant becomes its two columns of bytes
    if (isGroup) return converted_type ? { ...stored, converted_type } : stored
    return isText(element) ? { ...stored, converted_type: 'UTF8' } : stored
  })
}

/** What hyparquet still converts. Text that is not UTF-8 stays bytes, which no row can use as text. */
export const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array) => {
    const buffer = bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return buffer && isUtf8(buffer) ? buffer.toString('utf8') : bytes
  },
  timestampFromNanoseconds: (nanos: bigint) => nanos, // INT96
}

/** Whether a column, or what its lists hold, is bytes that do not become text. */
export function holdsBytes({ element, children }: SchemaTree): boolean {
  if (children.length > 0) return children.length === 1 && holdsBytes(children[0]!)
  const isArray = element.type === 'BYTE_ARRAY' || element.type === 'FIXED_LEN_BYTE_ARRAY'
  return isArray && !TEXTS.includes(meaningOf(element)?.type ?? '')
}

/** Logical types of byte arrays that become a text or a number. */
const TEXTS = ['STRING', 'ENUM', 'JSON', 'DECIMAL', 'FLOAT16', 'INTERVAL', 'UUID']

const isText = (element: SchemaElement) => ['STRING', 'ENUM', 'JSON'].includes(meaningOf(element)?.type ?? '')

/** Returns a function that converts a column's stored values, at any depth of lists, structs and maps. */
export function converterOf(node: SchemaTree): Convert {
  const one = node.children.length > 0 ? groupConverter(node) : leafConverter(node.element)
  return function convert(stored): unknown {
    if (stored === undefined || stored === null) return null
    return Array.isArray(stored) ? stored.map(convert) : one(stored)
  }
}

/**
 * hyparquet returns lists as arrays, so a list's own group never appears in a value; the converter of its items is
 * used.
 */
function groupConverter({ element, children }: SchemaTree): Convert {
  const [only] = children
  if (element.converted_type === 'LIST' && children.length === 1 && only!.element.repetition_type === 'REPEATED') {
    return converterOf(only!.children.length === 1 ? only!.children[0]! : only!)
  }
  if (element.converted_type === 'MAP' && children.length === 1 && only!.children.length === 2) {
    const value = converterOf(only!.children[1]!)
    return (map) => mapped(map, () => value)
  }
  const fields = new Map(children.map((child) => [child.element.name, converterOf(child)]))
  return (struct) => mapped(struct, (name) => fields.get(name)!)
}

const mapped = (object: unknown, of: (name: string) => Convert) =>
  Object.fromEntries(Object.entries(object as object).map(([name, value]) => [name, of(name)(value)]))

function leafConverter(element: SchemaElement): Convert {
  const meaning = meaningOf(element)
  switch (meaning?.type) {
    case 'DECIMAL':
      return (stored) => decimalText(unscaled(stored), meaning.scale)
    case 'DATE':
      return (days) => dateText(days as number)
    case 'TIME':
      return (time) => timeText(BigInt(time as number | bigint) * NANOS[meaning.unit])
    case 'TIMESTAMP':
      return (time) => timestampText(BigInt(time as number | bigint) * NANOS[meaning.unit], meaning.isAdjustedToUTC)
    case 'INTERVAL':
      return (bytes) => intervalText(bytes as Uint8Array)
    case 'UUID':
      return (bytes) => uuidText(bytes as Uint8Array)
    case 'FLOAT16':
      return (bytes) => shortestFloat16((bytes as Uint8Array)[0]! | ((bytes as Uint8Array)[1]! << 8))
    case 'INTEGER':
      if (!meaning.isSigned) return unsigned
      break
    case 'JSON':
      return (text) => parsedOr(text)
  }
  if (element.type === 'FLOAT') return (value) => shortestFloat32(value as number)
  if (element.type === 'INT96') return (nanos) => timestampText(nanos as bigint, false)
  return (value) => (typeof value === 'bigint' ? wholeNumber(value) : value)
}

/** Returns the meaning of a leaf's stored values; older writers express it in other terms. */
function meaningOf({ logical_type, converted_type, scale = 0, precision = 0 }: SchemaElement): LogicalType | undefined {
  if (logical_type?.type !== undefined) return logical_type
  switch (converted_type) {
    case 'UTF8':
      return { type: 'STRING' }
    case 'ENUM':
    case 'JSON':
    case 'BSON':
    case 'DATE':
    case 'INTERVAL':
      return { type: converted_type }
    case 'DECIMAL':
      return { type: 'DECIMAL', scale, precision }
    case 'TIME_MILLIS':
      return { type: 'TIME', unit: 'MILLIS', isAdjustedToUTC: true }
    case 'TIME_MICROS':
      return { type: 'TIME', unit: 'MICROS', isAdjustedToUTC: true }
    case 'TIMESTAMP_MILLIS':
      return { type: 'TIMESTAMP', unit: 'MILLIS', isAdjustedToUTC: true }
    case 'TIMESTAMP_MICROS':
      return { type: 'TIMESTAMP', unit: 'MICROS', isAdjustedToUTC: true }
    case 'UINT_8':
    case 'UINT_16':
    case 'UINT_32':
    case 'UINT_64':
      return { type: 'INTEGER', bitWidth: Number(converted_type.slice('UINT_'.length)), isSigned: false }
    default:
      return undefined
  }
}

/** Returns a decimal's digits: an integer, or two's complement with the highest byte first. */
function unscaled(stored: unknown): bigint {
  if (!(stored instanceof Uint8Array)) return BigInt(stored as number | bigint)
  const hex = Buffer.from(stored).toString('hex')
  return hex === '' ? 0n : BigInt.asIntN(8 * stored.length, BigInt(`0x${hex}`))
}

const unsigned = (value: unknown) =>
  typeof value === 'bigint' ? wholeNumber(BigInt.asUintN(64, value)) : (value as number) >>> 0

/** Returns a number, or text beyond 2⁵³, where not every integer is a number. */
const wholeNumber = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value))

/** Returns a JSON column's value, or the text itself where it is not JSON. */
function parsedOr(text: unknown): unknown {
  try {
    return parseExactly(text as string)
  } catch {
    return text
  }
}
