import { closeSync, fstatSync, readSync } from 'node:fs'
import type { AsyncBuffer, ColumnChunk, CompressionCodec, Compressors, RowGroup, SchemaTree } from 'hyparquet'
import { UserError } from '../../base/error.js'
import { refuseOpenPointer } from '../../base/files/lfs_pointer.js'
import { openFile, openToRead, readFully } from '../../base/files/read.js'
import { bytesOf } from '../../hub/download.js'
import { columnNames } from '../rows/column_names.js'
import { changed, readError } from '../rows/lines.js'
import type { Row } from '../rows/table.js'
import { readFooter } from './footer.js'
import { asStored, converterOf, holdsBytes, PARSERS } from './values.js'

/**
 * Yields the rows of a parquet file, with one row group in memory at a time; a row's `line` is its number in the file,
 * from 1. Lists and structs are kept, and their values are converted like others: whole numbers are numbers, or text
 * beyond 2⁵³; decimals are text with all their digits; float16 and float32 are the shortest decimal that is the same
 * float (3.8, not 3.799999952316284); dates, times and intervals are ISO 8601 text, to the nanosecond; JSON is parsed;
 * bytes stay a Uint8Array, which is not text. With `columns`, only those are read, and bytes in them are refused.
 * @throws UserError if the file is not parquet, is cut short or damaged, or lacks one of `columns`.
 */
export async function* parquetRows(file: string, columns?: string[]): AsyncGenerator<Row> {
  checkEnds(file)
  const fd = openToRead(file, { named: true })
  try {
    yield* rowsOf(file, fileBuffer(file, fd), columns)
  } finally {
    closeSync(fd)
  }
}

/** hyparquet's own buffer opens the file anew for each piece. */
function fileBuffer(file: string, fd: number): AsyncBuffer {
  const byteLength = fstatSync(fd).size
  const slice = (start: number, end = byteLength): ArrayBuffer => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start))
    if (!readFully(fd, start, bytes)) throw changed(file)
    return bytes.buffer
  }
  return { byteLength, slice }
}

async function* rowsOf(file: string, buffer: AsyncBuffer, columns: string[] | undefined): AsyncGenerator<Row> {
  const { parquetReadObjects } = await import('hyparquet')
  const { metadata, tree } = await readFooter(file, buffer)
  const fields = chosenFields(file, tree.children, columns)
  const converters = new Map(fields.map((field) => [field.element.name, converterOf(field)]))
  const leaves = new Set(fields.flatMap(({ element, children }) => (children.length === 0 ? element.name : [])))
  const schema = asStored(metadata.schema)
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const damaged = (error: Error) => groupError(file, rowStart, rowEnd, error)
    const checked = await checkedGroup(buffer, tree, group, columns).catch((error) => Promise.reject(damaged(error)))
    // hyparquet plans over all row groups for each of them
    const one = { ...metadata, schema, row_groups: [checked.group] }
    const { compressors } = checked
    const options = {
      file: buffer,
      metadata: one,
      compressors,
      parsers: PARSERS,
      utf8: false,
      ...(columns && { columns }),
    }
    const rows = await parquetReadObjects(options).catch((error) => Promise.reject(damaged(error)))
    for (const [i, values] of rows.entries()) {
      const converted = Object.entries(values).map(([name, value]) => {
        if (value === undefined && leaves.has(name))
          throw damaged(new Error(`column '${name}' has no value for row ${rowStart + i + 1}`))
        return [name, converters.get(name)!(value)]
      })
      yield { line: rowStart + i + 1, values: Object.fromEntries(converted) }
    }
    rowStart = rowEnd
  }
}

const groupError = (file: string, rowStart: number, rowEnd: number, error: Error) =>
  new UserError(
    {
      at: file,
      problem: `rows ${rowStart + 1} to ${rowEnd} cannot be read: ${error.message}.`,
      remedy: 'The file is damaged: write or download it again.',
    },
    { cause: error },
  )

/**
 * Returns a row group whose pages have been checked; each column chunk has its own codec, whose decompressor knows the
 * pages.
 */
async function checkedGroup(buffer: AsyncBuffer, tree: SchemaTree, group: RowGroup, columns: string[] | undefined) {
  const { compressors } = await import('hyparquet-compressors')
  const { budgetOf, checkedPages } = await import('./pages.js')
  const { zstd } = await import('./zstd.js')
  const compressed = group.columns.reduce((sum, { meta_data }) => sum + Number(meta_data!.total_compressed_size), 0)
  const rest = {
    rows: Number(group.num_rows),
    budget: budgetOf(compressed),
    compressors: { ...compressors, ZSTD: zstd },
  }
  const own: Record<string, (input: Uint8Array, length: number) => Uint8Array> = {}
  const chunks: ColumnChunk[] = []
  for (const [i, chunk] of group.columns.entries()) {
    const meta = chunk.meta_data!
    if (!columns || columns.includes(meta.path_in_schema[0]!)) own[i] = await checkedPages(buffer, tree, meta, rest)
    chunks.push({ ...chunk, meta_data: { ...meta, codec: String(i) as CompressionCodec } })
  }
  return { group: { ...group, columns: chunks }, compressors: own as Compressors }
}

const MAGIC = 'PAR1'

/** The footer, without which nothing can be read, comes last: a file that was written only in part has none. */
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

/** Reads the first and last bytes. @throws UserError also for a Git LFS pointer. */
function endsOf(file: string, size: number): { head: string; tail: string } {
  try {
    const descriptor = openFile(file, { named: true })
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

function chosenFields(file: string, fields: SchemaTree[], columns: string[] | undefined): SchemaTree[] {
  if (!columns) return fields
  return columns.map((name) => {
    const field = fields.find(({ element }) => element.name === name)
    const there = columnNames(fields.map(({ element }) => element.name))
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
