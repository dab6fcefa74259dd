import type { AsyncBuffer, ColumnMetaData, CompressionCodec, Compressors, PageHeader, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getTreePath, isFlatColumn } from 'hyparquet/src/schema.js'
import { checkThrift } from './thrift.js'

/** The most bytes of a row group's decompressed pages, beyond sixteen times their bytes in the file. */
const MOST_BYTES = 2 ** 28
/** A run may be longer than the rest of a page: writers fill up groups of eight values. */
const SPARE = 512

/** The values and bytes that a row group's pages may still have. */
export interface Budget {
  bytes: number
}

export const budgetOf = (compressed: number): Budget => ({ bytes: MOST_BYTES + 16 * compressed })

function spend(budget: Budget, bytes: number): void {
  if (!(bytes >= 0)) throw new Error(`a page says that it has ${bytes} bytes`)
  budget.bytes -= bytes
  if (budget.bytes < 0)
    throw new Error(
      `its pages have more than ${MOST_BYTES / 2 ** 20} MiB and sixteen times what they have in the file, once ` +
        'decompressed',
    )
}

interface Column {
  meta: ColumnMetaData
  rows: number
  path: SchemaTree[]
  budget: Budget
}

/**
 * Checks the pages of a column chunk, whose numbers hyparquet trusts. Returns a function that decompresses one page
 * after the other, and checks each before hyparquet reads it.
 * @throws Error where their counts or bytes differ from what they claim, or exceed the limits.
 */
export async function checkedPages(
  buffer: AsyncBuffer,
  tree: SchemaTree,
  meta: ColumnMetaData,
  { rows, budget, compressors }: { rows: number; budget: Budget; compressors: Compressors },
): Promise<(input: Uint8Array, length: number) => Uint8Array> {
  const column: Column = { meta, rows, budget, path: getTreePath(tree, meta.path_in_schema) }
  const from = Number(meta.dictionary_page_offset || meta.data_page_offset)
  const bytes = new Uint8Array(await buffer.slice(from, from + Number(meta.total_compressed_size)))
  const pages = headersOf(bytes, column).filter(isDecompressed)
  const decompress = decompressor(meta.codec, compressors)
  let next = 0
  return (input, length) => {
    const header = pages[next++]
    // LZ4's decompressor fails on a page that holds only nulls
    const page = length === 0 ? new Uint8Array() : decompress(input, length)
    if (page.length !== length) throw new Error(`a page has ${page.length} bytes, its header says ${length}`)
    if (header) checkPage(page, header, column)
    return page
  }
}

const isDecompressed = ({ data_page_header_v2: v2 }: PageHeader) => v2?.is_compressed !== false

function decompressor(
  codec: CompressionCodec,
  compressors: Compressors,
): (input: Uint8Array, length: number) => Uint8Array {
  if (codec === 'UNCOMPRESSED') return (input) => input
  const decompress = compressors[codec]
  if (!decompress) throw new Error(`compression by ${codec} is not read`)
  return decompress
}

function headersOf(bytes: Uint8Array, column: Column): PageHeader[] {
  const headers: PageHeader[] = []
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  const most = Number(column.meta.num_values)
  const isFlat = isFlatColumn(column.path)
  let values = 0
  while (reader.offset < bytes.length - 1 && !(isFlat && values >= column.rows)) {
    checkThrift(bytes, reader.offset)
    const header = parquetHeader(reader)
    const size = header.compressed_page_size
    if (!(size >= 0 && size <= bytes.length - reader.offset)) throw new Error(`a page says that it has ${size} bytes`)
    const page = bytes.subarray(reader.offset, reader.offset + size)
    values += checkHeader(header, page, column)
    if (values > most)
      throw new Error(`the pages of column ${column.meta.path_in_schema.join('.')} have more than its ${most} values`)
    headers.push(header)
    reader.offset += size
  }
  if (isFlat && values !== column.rows)
    throw new Error(`column ${column.meta.path_in_schema.join('.')} has ${values} values in ${column.rows} rows`)
  return headers
}

/** Returns how many of the column's values a page has. */
function checkHeader(header: PageHeader, page: Uint8Array, column: Column): number {
  spend(column.budget, Number(header.uncompressed_page_size))
  const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header
  if (header.type === 'DICTIONARY_PAGE') {
    const most = Number(column.meta.num_values) + SPARE
    if (!(dictionary && dictionary.num_values >= 0 && dictionary.num_values <= most))
      throw new Error(`a dictionary has ${dictionary?.num_values} values, its column ${column.meta.num_values}`)
    return 0
  }
  const values =
    header.type === 'DATA_PAGE' ? v1?.num_values : header.type === 'DATA_PAGE_V2' ? v2?.num_values : undefined
  if (values === undefined || !(values >= 0)) throw new Error(`a page of type ${header.type} has ${values} values`)
  if (v2) checkSecondVersion(v2, page, column)
  return values
}

function checkSecondVersion(
  v2: NonNullable<PageHeader['data_page_header_v2']>,
  page: Uint8Array,
  column: Column,
): void {
  const [repetition, definition] = [v2.repetition_levels_byte_length, v2.definition_levels_byte_length]
  if (!(v2.num_nulls >= 0 && v2.num_nulls <= v2.num_values))
    throw new Error(`a page of ${v2.num_values} values has ${v2.num_nulls} nulls`)
  if (!(repetition >= 0 && definition >= 0 && repetition + definition <= page.length))
    throw new Error('the levels of a page are longer than the page')
  checkRuns(page.subarray(0, repetition), bitWidth(getMaxRepetitionLevel(column.path)), v2.num_values)
  checkRuns(
    page.subarray(repetition, repetition + definition),
    bitWidth(getMaxDefinitionLevel(column.path)),
    v2.num_values,
  )
  if (v2.is_compressed === false) checkValues(page.subarray(repetition + definition), v2, v2.num_nulls, column)
}

function checkPage(
  page: Uint8Array,
  { type, data_page_header: v1, data_page_header_v2: v2 }: PageHeader,
  column: Column,
) {
  if (type === 'DATA_PAGE_V2') checkValues(page, v2!, v2!.num_nulls, column)
  if (type !== 'DATA_PAGE') return
  let at = 0
  let levels: Uint8Array | undefined
  for (const level of [getMaxRepetitionLevel(column.path), getMaxDefinitionLevel(column.path)]) {
    if (level === 0) continue
    const length = lengthAt(page, at)
    levels = page.subarray(at + 4, at + 4 + length)
    checkRuns(levels, bitWidth(level), v1!.num_values)
    at += 4 + length
  }
  const most = getMaxDefinitionLevel(column.path)
  const nulls = v1!.encoding === 'DELTA_BYTE_ARRAY' && most > 0 ? nullsIn(levels!, most, v1!.num_values) : 0
  checkValues(page.subarray(at), v1!, nulls, column)
}

function checkValues(
  values: Uint8Array,
  { encoding, num_values }: { encoding: string; num_values: number },
  nulls: number,
  { meta, budget }: Column,
): void {
  if (encoding === 'DELTA_BYTE_ARRAY') spend(budget, lengthsOf(values, num_values - nulls))
  if (encoding === 'RLE') {
    if (meta.type !== 'BOOLEAN') throw new Error(`a page of ${meta.type} is encoded as RLE`)
    checkRuns(values.subarray(4), 1, num_values)
  } else if (encoding.endsWith('DICTIONARY')) checkRuns(values.subarray(1), values[0] ?? 0, num_values)
}

/**
 * Sums the bytes of all values of a page in which each value starts with a part of the one before: few bytes can become
 * very many.
 */
function lengthsOf(bytes: Uint8Array, count: number): number {
  if (count === 0) return 0
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  const [same, own] = [new Int32Array(count), new Int32Array(count)]
  deltaBinaryUnpack(reader, count, same)
  deltaBinaryUnpack(reader, count, own)
  let [sum, before] = [0, 0]
  for (let i = 0; i < count; i++) {
    if (same[i]! < 0 || own[i]! < 0 || same[i]! > before) throw new Error('a page has values of impossible lengths')
    before = same[i]! + own[i]!
    sum += before
  }
  return sum
}

function nullsIn(levels: Uint8Array, most: number, count: number): number {
  const output = new Array<number>(count).fill(0)
  const view = new DataView(levels.buffer, levels.byteOffset, levels.byteLength)
  readRleBitPackedHybrid({ view, offset: 0 }, bitWidth(most), output, levels.length)
  return output.filter((level) => level !== most).length
}

/** Walks runs of one value and groups of packed ones: no run may be longer than the rest of the page. */
function checkRuns(bytes: Uint8Array, width: number, count: number): void {
  let at = 0
  for (let seen = 0; seen < count && at < bytes.length; ) {
    let head = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 28) throw new Error('a page has a run of impossible length')
      head |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    const packed = (head & 1) === 1
    const length = packed ? (head >>> 1) * 8 : head >>> 1
    if (length > count - seen + SPARE)
      throw new Error(`a page of ${count} values has a run of ${length} where ${count - seen} are left`)
    at += packed ? (head >>> 1) * width : (width + 7) >> 3
    seen += length
  }
}

function lengthAt(page: Uint8Array, at: number): number {
  if (at + 4 > page.length) throw new Error('a page is shorter than its levels')
  return new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(at, true)
}

const bitWidth = (most: number) => 32 - Math.clz32(most)
