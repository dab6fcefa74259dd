import type { AsyncBuffer, FileMetaData, SchemaTree } from 'hyparquet'
import { UserError } from '../../base/error.js'
import { checkThrift } from './thrift.js'

/** The most columns, nested ones included, that a file may have; hyparquet's time grows with their square. */
const MOST_COLUMNS = 10_000
/** The most levels of nested columns. */
const DEEPEST = 64
/** Values that even a small file may have: nulls, and one value repeated, take almost no bytes. */
const FREE_VALUES = 2 ** 21
/** Further values allowed for each byte. */
const VALUES_A_BYTE = 16

/**
 * Reads what a parquet file says of itself and checks it against the file's size, since hyparquet allocates what the
 * file claims.
 * @throws UserError where it is damaged, or claims more than a file of this size can hold.
 */
export async function readFooter(
  file: string,
  buffer: AsyncBuffer,
): Promise<{ metadata: FileMetaData; tree: SchemaTree }> {
  const { parquetMetadata, parquetSchema } = await import('hyparquet')
  try {
    const footer = await footerOf(buffer)
    checkThrift(footer, 0)
    const metadata = parquetMetadata(footer, { geoparquet: false })
    checkClaims(metadata, buffer.byteLength, buffer.byteLength - footer.length)
    const tree = parquetSchema(metadata)
    checkDepth(tree)
    return { metadata, tree }
  } catch (error) {
    const reason = error instanceof TypeError ? 'it lacks something that each has' : (error as Error).message
    throw new UserError(
      {
        at: file,
        problem: `its footer cannot be read: ${reason}.`,
        remedy: 'The file is damaged: write or download it again.',
      },
      { cause: error },
    )
  }
}

/** Returns the footer, with its length and the magic bytes that follow it. */
async function footerOf(buffer: AsyncBuffer): Promise<Uint8Array> {
  const size = buffer.byteLength
  const length = new DataView(await buffer.slice(size - 8, size)).getUint32(0, true)
  if (length > size - 12) throw new Error(`it says that it has ${length} bytes; the file has ${size}`)
  return new Uint8Array(await buffer.slice(size - 8 - length, size))
}

function checkClaims({ schema, row_groups }: FileMetaData, size: number, beforeFooter: number): void {
  if (schema.length > MOST_COLUMNS)
    throw new Error(`it names ${schema.length} columns; at most ${MOST_COLUMNS} are read`)
  let [bytes, values] = [0, 0]
  for (const { num_rows, columns } of row_groups) {
    const before = { bytes, values }
    const rows = count('rows', num_rows)
    values += rows
    for (const { meta_data: meta } of columns) {
      if (!meta) throw new Error('it says nothing of a column')
      bytes += count('bytes', meta.total_compressed_size)
      values += count('values', meta.num_values) * meta.path_in_schema.length // as deep lists, at worst
    }
    checkCounts('a row group', bytes - before.bytes, values - before.values)
  }
  if (bytes > beforeFooter) throw new Error(`its columns have ${bytes} bytes; there are ${beforeFooter} before it`)
  checkCounts('the file', size, values)
}

/** Checks level by level, since what reads values recurses into each. */
function checkDepth(tree: SchemaTree): void {
  let level = tree.children
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new Error(`its columns nest deeper than ${DEEPEST}`)
    level = level.flatMap(({ children }) => children)
  }
}

function checkCounts(what: string, bytes: number, values: number): void {
  const most = FREE_VALUES + VALUES_A_BYTE * bytes
  if (values > most)
    throw new Error(`it says that ${what} of ${bytes} bytes has ${values} rows and values; at most ${most} are read`)
}

function count(what: string, value: bigint | number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new Error(`it says that something has ${value} ${what}`)
}
