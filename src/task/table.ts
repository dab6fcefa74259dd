import { statSync } from 'node:fs'
import { extname } from 'node:path'
import { UserError } from '../error.js'
import { csvRecords, type Fields, NOT_UTF8, tsvRecords } from './csv.js'
import { type Line, readLines } from './lines.js'
import { parquetRows } from './parquet.js'

/** A row of the user's file by column name, or what is wrong with it. `line` counts from 1; in parquet it is the row. */
export type Row = { line: number; values: Record<string, unknown> } | { line: number; problem: string }

/**
 * The rows of a .jsonl, .csv, .tsv or .parquet file, as its ending says, in the file's order. `columns` are the names in
 * a table whose first line is no header.
 * @throws UserError if the file as a whole can't be used: ending, encoding, header.
 */
export function readTable(file: string, columns?: string[]): Iterable<Row> | AsyncIterable<Row> {
  switch (extname(file).toLowerCase()) {
    case '.jsonl':
      return jsonlRows(file)
    case '.csv':
      return namedRows(file, csvRecords(readLines(file)), 'Put quotes around a value that holds a comma.', columns)
    case '.tsv':
      return namedRows(file, tsvRecords(readLines(file)), 'A value holds no tab, and quotes do not group.', columns)
    case '.parquet':
      return parquetRows(file)
    default:
      throw new UserError({ at: file, problem: ending(file) })
  }
}

function ending(file: string): string {
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory()
  return isFolder ? 'is a folder, not a file of rows.' : 'the name ends in none of .jsonl, .csv, .tsv, .parquet.'
}

function* jsonlRows(file: string): Generator<Row> {
  for (const line of readLines(file)) {
    if (line.text === undefined) yield { line: line.number, problem: NOT_UTF8 }
    else if (line.text.trim() !== '') yield { line: line.number, ...parseObject(line.text, line) }
  }
}

function parseObject(text: string, { last }: Line): { values: Record<string, unknown> } | { problem: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // V8's message quotes the text differently from version to version, so ours stands alone.
    const cut = last ? ' The file ends in it, without a line break: it may be half written.' : ''
    return { problem: `the line is not valid JSON.${cut}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'the line is not a JSON object, such as {"text": "…", "label": 1}.' }
  }
  return { values: value as Record<string, unknown> }
}

function* namedRows(file: string, records: Iterable<Fields>, remedy: string, columns?: string[]): Generator<Row> {
  for (const record of records) {
    if ('problem' in record) {
      if (!columns) throw new UserError({ at: `${file}:${record.line}`, problem: record.problem })
      yield record
    } else if (!columns) {
      columns = header(file, record)
    } else if (record.fields.length !== columns.length) {
      const counts = `${count(record.fields.length)}, there are ${columns.length} columns`
      yield { line: record.line, problem: `the line has ${counts}. ${remedy}` }
    } else {
      yield { line: record.line, values: Object.fromEntries(columns.map((name, i) => [name, record.fields[i]])) }
    }
  }
}

function header(file: string, { line, fields }: { line: number; fields: string[] }): string[] {
  const twice = fields.find((name, i) => fields.indexOf(name) !== i)
  if (twice === undefined) return fields
  throw new UserError({
    at: `${file}:${line}`,
    problem: `the header names the column '${twice}' twice.`,
    remedy: 'The first line must name each column once.',
  })
}

function count(values: number): string {
  return values === 1 ? '1 value' : `${values} values`
}
