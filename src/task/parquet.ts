import { closeSync, openSync, readSync } from 'node:fs'
import type { AsyncBuffer, Compressors, FileMetaData, SchemaTree } from 'hyparquet'
import { UserError } from '../error.js'
import { bytesOf } from '../hub/download.js'
import { readError } from './lines.js'
import type { Row } from './table.js'

/**
 * The rows of a parquet file, one row group in memory at a time; a row's `line` is its number in the file, from 1.
 * Lists and structs stay such; 64-bit integers become numbers, or text beyond 2⁵³; float32 the shortest decimal that is
 * the same float32 (3.8, not 3.799999952316284); dates and times ISO 8601 text, in UTC; JSON is parsed; bytes stay a
 * Uint8Array, which is no text. `columns` reads those only, and refuses bytes in them.
 * @throws UserError if the file is none, breaks off, is damaged, or lacks one of `columns`.
 */
export async function* parquetRows(file: string, columns?: string[]): AsyncGenerator<Row> {
  checkEnds(file)
  const { asyncBufferFromFile, parquetReadObjects, parquetSchema } = await import('hyparquet')
  const compressors = await decompressors()
  const buffer = await asyncBufferFromFile(file)
  const metadata = await metadataOf(file, buffer)
  const fields = chosenFields(file, parquetSchema(metadata).children, columns)
  const plain = Object.fromEntries(fields.map((field) => [field.element.name, converterOf(field)]))
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const options = { file: buffer, metadata, rowStart, rowEnd, compressors, parsers: DATES, utf8: false }
    const rows = await parquetReadObjects({ ...options, ...(columns && { columns }) }).catch((error: Error) => {
      throw new UserError(
        {
          at: file,
          problem: `rows ${rowStart + 1} to ${rowEnd} cannot be read: ${error.message}.`,
          remedy: 'The file is damaged: write or download it again.',
        },
        { cause: error },
      )
    })
    for (const [i, values] of rows.entries()) {
      const converted = Object.entries(values).map(([name, value]) => [name, plain[name]!(value)])
      yield { line: rowStart + i + 1, values: Object.fromEntries(converted) }
    }
    rowStart = rowEnd
  }
}

/** hyparquet's, but for a page without bytes (nothing but nulls), which LZ4's there does not take (1.1.2). */
async function decompressors(): Promise<Compressors> {
  const { compressors } = await import('hyparquet-compressors')
  const withEmpty = Object.entries(compressors).map(([codec, decompress]) => {
    const orEmpty: typeof decompress = (input, length) => (length === 0 ? new Uint8Array() : decompress(input, length))
    return [codec, orEmpty]
  })
  return Object.fromEntries(withEmpty)
}

const MAGIC = 'PAR1'

/** The footer, without which nothing can be read, comes last: a file that was half written has none. */
function checkEnds(file: string): void {
  const size = bytesOf(file)
  const [head, tail] = [textAt(file, 0), textAt(file, Math.max(0, size - MAGIC.length))]
  if (head !== MAGIC)
    throw new UserError({ at: file, problem: `is not a parquet file: it does not begin with ${MAGIC}.` })
  if (size >= 12 && tail === MAGIC) return
  throw new UserError({
    at: file,
    problem: `breaks off after ${size} bytes: a parquet file ends with ${MAGIC}.`,
    remedy: 'It was half written: write or download it again.',
  })
}

function textAt(file: string, position: number): string {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(MAGIC.length)
      return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, position)).toString('latin1')
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw readError(file, error)
  }
}

async function metadataOf(file: string, buffer: AsyncBuffer): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import('hyparquet')
  try {
    return await parquetMetadataAsync(buffer, { parsers: DATES })
  } catch (error) {
    throw new UserError(
      {
        at: file,
        problem: `its footer cannot be read: ${(error as Error).message}.`,
        remedy: 'The file is damaged: write or download it again.',
      },
      { cause: error },
    )
  }
}

function chosenFields(file: string, fields: SchemaTree[], columns: string[] | undefined): SchemaTree[] {
  if (!columns) return fields
  return columns.map((name) => {
    const field = fields.find(({ element }) => element.name === name)
    const there = fields.map(({ element }) => element.name).join(', ')
    if (!field) throw new UserError({ at: file, problem: `has no column '${name}'.`, remedy: `Columns: ${there}.` })
    if (isBytes(leafOf(field))) {
      throw new UserError({
        at: file,
        problem: `column '${name}' holds bytes, not text.`,
        remedy: 'Write it as a string.',
      })
    }
    return field
  })
}

function leafOf(field: SchemaTree): SchemaTree {
  return field.children.length === 1 ? leafOf(field.children[0]!) : field
}

function isBytes({ element: { type, converted_type, logical_type } }: SchemaTree): boolean {
  const isArray = type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY'
  return isArray && converted_type === undefined && logical_type === undefined
}

const iso = (milliseconds: number) => {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString()
}

const DATES = {
  dateFromDays: (days: number) => iso(days * 86_400_000).slice(0, 'YYYY-MM-DD'.length),
  timestampFromMilliseconds: (millis: bigint) => iso(Number(millis)),
  timestampFromMicroseconds: (micros: bigint) => iso(Number(micros / 1000n)),
  timestampFromNanoseconds: (nanos: bigint) => iso(Number(nanos / 1_000_000n)),
}

function converterOf(field: SchemaTree): (value: unknown) => unknown {
  const number = leafOf(field).element.type === 'FLOAT' ? shortest : (value: number) => value
  const convert = (value: unknown): unknown => {
    if (value === undefined || value === null) return null
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    if (typeof value === 'number') return number(value)
    if (Array.isArray(value)) return value.map(convert)
    if (typeof value !== 'object' || value instanceof Uint8Array) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, convert(inner)]))
  }
  return convert
}

/** The decimal with the fewest digits that is the same float32. */
export function shortest(value: number): number {
  const single = Math.fround(value)
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits))
    if (Math.fround(short) === single) return short
  }
  return single
}
