import { closeSync, openSync, readSync } from 'node:fs'
import type { AsyncBuffer, Compressors, FileMetaData, SchemaTree } from 'hyparquet'
import { UserError } from '../error.js'
import { bytesOf } from '../hub/download.js'
import { refuseOpenPointer } from '../lfs_pointer.js'
import { readError } from './lines.js'
import { asStored, converterOf, holdsBytes, PARSERS } from './parquet_values.js'
import type { Row } from './table.js'

/**
 * The rows of a parquet file, one row group in memory at a time; a row's `line` is its number in the file, from 1.
 * Lists and structs stay such, and what they hold is as outside: whole numbers are numbers, or text beyond 2⁵³; decimals
 * text with all their digits; float16 and float32 the shortest decimal that is the same float (3.8, not
 * 3.799999952316284); dates, times and intervals ISO 8601 text, to the nanosecond; JSON is parsed; bytes stay a
 * Uint8Array, which is no text. `columns` reads those only, and refuses bytes in them.
 * @throws UserError if the file is none, breaks off, is damaged, or lacks one of `columns`.
 */
export async function* parquetRows(file: string, columns?: string[]): AsyncGenerator<Row> {
  checkEnds(file)
  const { asyncBufferFromFile, parquetReadObjects, parquetSchema } = await import('hyparquet')
  const compressors = await decompressors()
  const buffer = await asyncBufferFromFile(file)
  const described = await metadataOf(file, buffer)
  const fields = chosenFields(file, parquetSchema(described).children, columns)
  const converters = new Map(fields.map((field) => [field.element.name, converterOf(field)]))
  const metadata = { ...described, schema: asStored(described.schema) }
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const options = { file: buffer, metadata, rowStart, rowEnd, compressors, parsers: PARSERS, utf8: false }
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
      const converted = Object.entries(values).map(([name, value]) => [name, converters.get(name)!(value)])
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
  const { head, tail } = endsOf(file, size)
  if (head !== MAGIC)
    throw new UserError({ at: file, problem: `is not a parquet file: it does not begin with ${MAGIC}.` })
  if (size >= 12 && tail === MAGIC) return
  throw new UserError({
    at: file,
    problem: `breaks off after ${size} bytes: a parquet file ends with ${MAGIC}.`,
    remedy: 'It was half written: write or download it again.',
  })
}

/** @throws UserError also for a Git LFS pointer. */
function endsOf(file: string, size: number): { head: string; tail: string } {
  try {
    const descriptor = openSync(file, 'r')
    try {
      refuseOpenPointer(file, descriptor)
      return { head: textAt(descriptor, 0), tail: textAt(descriptor, Math.max(0, size - MAGIC.length)) }
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw error instanceof UserError ? error : readError(file, error)
  }
}

function textAt(descriptor: number, position: number): string {
  const bytes = Buffer.alloc(MAGIC.length)
  return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, position)).toString('latin1')
}

async function metadataOf(file: string, buffer: AsyncBuffer): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import('hyparquet')
  try {
    return await parquetMetadataAsync(buffer, { geoparquet: false })
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
    if (holdsBytes(field)) {
      throw new UserError({
        at: file,
        problem: `column '${name}' holds bytes, not text.`,
        remedy: 'Write it as a string.',
      })
    }
    return field
  })
}
