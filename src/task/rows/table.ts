import { statSync } from 'node:fs'
import { extname } from 'node:path'
import { assertNever } from '../../base/assert_never.js'
import { UserError } from '../../base/error.js'
import { shortened } from '../../base/text/shortened.js'
import { parquetRows } from '../parquet/parquet.js'
import { csvReader, type Fields, type LineReader, NOT_UTF8, readAll, tsvReader } from './csv.js'
import { documentRows } from './document.js'
import { parseExactly } from './exact_json.js'
import { type Line, readLines } from './lines.js'

/**
 * A row of the user's file by column name, or what is wrong with it. `line` counts from 1; in parquet it is the number
 * of the row. With `wordLines` each of its words has a line of its own, one after the other.
 */
export type Row =
  | { line: number; values: Record<string, unknown>; wordLines?: true }
  | { line: number; problem: string }

/** The endings of files that `readTable` reads. */
export const TABLE_ENDINGS: readonly string[] = ['.jsonl', '.json', '.csv', '.tsv', '.parquet']

/** The most columns: every row becomes an object with all of them. */
const MOST_COLUMNS = 100_000

/** Formats with one row per line, or per few lines. */
export type LineFormat = 'jsonl' | 'csv' | 'tsv'

/**
 * Yields the rows of a .jsonl, .json, .csv, .tsv or .parquet file, chosen by its ending, in the file's order. `columns`
 * are the names for a table whose first line is not a header.
 * @throws UserError if the file as a whole can't be used: ending, encoding, header.
 */
export function readTable(file: string, columns?: string[]): Iterable<Row> | AsyncIterable<Row> {
  switch (extname(file).toLowerCase()) {
    case '.jsonl':
      return readAll(readLines(file), rowReader('jsonl', file))
    case '.csv':
      return readAll(readLines(file), rowReader('csv', file, columns))
    case '.tsv':
      return readAll(readLines(file), rowReader('tsv', file, columns))
    case '.json':
      return documentRows(file) ?? readAll(readLines(file), rowReader('jsonl', file))
    case '.parquet':
      return parquetRows(file)
    default:
      throw new UserError({ at: file, problem: ending(file) })
  }
}

function ending(file: string): string {
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory()
  return isFolder ? 'is a folder, not a file of rows.' : `the name ends in none of ${TABLE_ENDINGS.join(', ')}.`
}

/**
 * Reads rows from lines of that format; `file` is the name for errors, `columns` as in `readTable`.
 * @throws UserError from `take`, where a header can't be used.
 */
export function rowReader(format: LineFormat, file: string, columns?: string[]): LineReader<Row> {
  switch (format) {
    case 'jsonl':
      return { take: jsonlRows, *end() {} }
    case 'csv':
      return namedRows(file, csvReader(), 'Put quotes around a value that holds a comma.', columns)
    case 'tsv':
      return namedRows(file, tsvReader(), 'A value holds no tab, and quotes do not group.', columns)
    default:
      return assertNever(format, 'format of rows')
  }
}

function* jsonlRows(line: Line): Generator<Row> {
  if (line.text === undefined) yield { line: line.number, problem: NOT_UTF8 }
  else if (line.text.trim() !== '') yield { line: line.number, ...parseObject(line.text, line) }
}

function parseObject(text: string, { last }: Line): { values: Record<string, unknown> } | { problem: string } {
  let value: unknown
  try {
    value = parseExactly(text)
  } catch {
    // V8's message quotes the text differently from version to version, so only ours is printed.
    const cut = last ? ' The file ends in it, without a line break: it may be half written.' : ''
    return { problem: `the line is not valid JSON.${cut}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'the line is not a JSON object, such as {"text": "…", "label": 1}.' }
  }
  return { values: value as Record<string, unknown> }
}

function namedRows(file: string, records: LineReader<Fields>, remedy: string, given?: string[]): LineReader<Row> {
  let columns = given && columnsOf(given, remedy)
  function* rows(read: Iterable<Fields>): Generator<Row> {
    for (const record of read) {
      if ('problem' in record) {
        if (!columns) throw new UserError({ at: `${file}:${record.line}`, problem: record.problem })
        yield record
      } else if (columns) yield { line: record.line, ...columns.named(record.fields) }
      else columns = columnsOf(header(file, record), remedy)
    }
  }
  return { take: (line) => rows(records.take(line)), end: () => rows(records.end()) }
}

/**
 * Returns a function that names the values of a record. Columns without a name are left out, such as the row numbers of
 * pandas. Columns after the last name are what a spreadsheet leaves of cells that were once filled: a value there has
 * slipped out of its column.
 */
function columnsOf(names: string[], remedy: string) {
  const kept = names.flatMap((name, i) => (isName(name) ? [{ name, i }] : []))
  const end = (kept.at(-1)?.i ?? -1) + 1
  const wanted = names.length === 1 ? 'is 1 column' : `are ${names.length} columns`
  return {
    named(fields: string[]): { values: Record<string, unknown> } | { problem: string } {
      if (fields.length !== names.length)
        return { problem: `the line has ${count(fields.length)}, there ${wanted}. ${remedy}` }
      const stray = fields.findIndex((field, i) => i >= end && field !== '')
      if (stray !== -1) return { problem: `value ${stray + 1} of the line is in a column without a name. ${remedy}` }
      return { values: Object.fromEntries(kept.map(({ name, i }) => [name, fields[i]])) }
    },
  }
}

const isName = (name: string) => name.trim() !== ''

function header(file: string, { line, fields }: { line: number; fields: string[] }): string[] {
  const at = `${file}:${line}`
  if (fields.length > MOST_COLUMNS) {
    const problem = `the header has ${fields.length} columns; at most ${MOST_COLUMNS} are read.`
    throw new UserError({ at, problem, remedy: 'The first line must name the columns.' })
  }
  const seen = new Set<string>()
  const twice = fields.find((name) => isName(name) && seen.size === seen.add(name).size)
  if (twice === undefined) return fields
  throw new UserError({
    at,
    problem: `the header names the column '${shortened(twice)}' twice.`,
    remedy: 'The first line must name each column once.',
  })
}

function count(values: number): string {
  return values === 1 ? '1 value' : `${values} values`
}
