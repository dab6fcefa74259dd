import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { UserError } from '../../src/error.js'
import { type Row, readTable } from '../../src/task/table.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-table-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function read(name: string, contents: string | Buffer, columns?: string[]): Promise<Row[]> {
  const file = join(folder, name)
  writeFileSync(file, contents)
  const rows: Row[] = []
  for await (const row of readTable(file, columns)) rows.push(row)
  return rows
}

/** The whole message, the temporary folder left out. */
async function complaint(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(UserError)
  return (error as Error).message.replaceAll(`${folder}/`, '')
}

test('JSONL: a half-written last line is told from a wrong one', async () => {
  expect(await read('rows.jsonl', '{"a":1}\n{"a"\n\n{"a":2}\n[1]\n{"a":"hal')).toEqual([
    { line: 1, values: { a: 1 } },
    { line: 2, problem: 'the line is not valid JSON.' },
    { line: 4, values: { a: 2 } },
    { line: 5, problem: 'the line is not a JSON object, such as {"text": "…", "label": 1}.' },
    {
      line: 6,
      problem: 'the line is not valid JSON. The file ends in it, without a line break: it may be half written.',
    },
  ])
  expect(await read('whole.jsonl', '{"a":1}')).toEqual([{ line: 1, values: { a: 1 } }])
})

test('TSV: too many values and too few', async () => {
  expect(await read('rows.tsv', 'a\tb\n1\t2\n1\t2\t3\n1\n')).toEqual([
    { line: 2, values: { a: '1', b: '2' } },
    { line: 3, problem: 'the line has 3 values, there are 2 columns. A value holds no tab, and quotes do not group.' },
    { line: 4, problem: 'the line has 1 value, there are 2 columns. A value holds no tab, and quotes do not group.' },
  ])
})

test('CSV: a stray quote in a row, and in the header', async () => {
  expect(await read('rows.csv', 'a,b\n"1,2\n3,4\n')).toEqual([
    { line: 2, problem: 'a quote opens a value here and nothing closes it.' },
    { line: 3, values: { a: '3', b: '4' } },
  ])
  expect(await complaint(read('header.csv', '"a,b\n1,2\n'))).toBe(
    'header.csv:1: a quote opens a value here and nothing closes it.',
  )
})

test('a header that names a column twice, in a file with a byte-order mark', async () => {
  expect(await complaint(read('twice.csv', '\ufeffa,b,a\n1,2,3\n'))).toBe(
    "twice.csv:1: the header names the column 'a' twice. The first line must name each column once.",
  )
})

test.each(['rows.jsonl', 'rows.csv', 'rows.tsv'])('%s: empty, or blank', async (name) => {
  expect(await read(name, '')).toEqual([])
  expect(await read(name, '\n\r\n')).toEqual([])
})

test('the names of columns where no header is', async () => {
  expect(await read('headerless.tsv', '1\t2\n', ['x', 'y'])).toEqual([{ line: 1, values: { x: '1', y: '2' } }])
})

test('an ending that is none of ours, a folder, and no parquet', async () => {
  expect(await complaint(read('rows.txt', ''))).toBe('rows.txt: the name ends in none of .jsonl, .csv, .tsv, .parquet.')
  mkdirSync(join(folder, 'data'))
  expect(await complaint((async () => readTable(join(folder, 'data')))())).toBe(
    'data: is a folder, not a file of rows.',
  )
  expect(await complaint(read('rows.parquet', 'text,label\n'))).toBe(
    'rows.parquet: is not a parquet file: it does not begin with PAR1.',
  )
})
