import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { UserError } from '../../src/base/error.js'
import { type Row, readTable } from '../../src/task/rows/table.js'

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

test('JSONL: a half-written last line is distinguished from a wrong one', async () => {
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

test('a header of 2 MB is read in linear time', { timeout: 20_000 }, async () => {
  const header = Array.from({ length: 99_999 }, (_, i) => `column ${i} of many`).join(',')
  const started = process.cpuUsage()
  expect(await complaint(read('wide.csv', `${header},column 99998 of many\n`))).toBe(
    "wide.csv:1: the header names the column 'column 99998 of many' twice. The first line must name each column once.",
  )
  expect(await read('wide.csv', `${header}\n${'x,'.repeat(99_998)}x\n`)).toHaveLength(1)
  expect(process.cpuUsage(started).user, 'microseconds').toBeLessThan(5e6)
})

test('a header of more columns than are read, and a name of megabytes', async () => {
  expect(await complaint(read('commas.tsv', `a${'\t'.repeat(100_000)}\n`))).toBe(
    'commas.tsv:1: the header has 100001 columns; at most 100000 are read. The first line must name the columns.',
  )
  const name = 'x'.repeat(2 ** 20)
  expect(await complaint(read('long.csv', `${name},${name}\n`))).toBe(
    `long.csv:1: the header names the column '${'x'.repeat(120)}…' twice. The first line must name each column once.`,
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

test('an unknown ending, a folder, and a file that is not parquet', async () => {
  expect(await complaint(read('rows.txt', ''))).toBe(
    'rows.txt: the name ends in none of .jsonl, .json, .csv, .tsv, .parquet.',
  )
  mkdirSync(join(folder, 'data'))
  expect(await complaint((async () => readTable(join(folder, 'data')))())).toBe(
    'data: is a folder, not a file of rows.',
  )
  expect(await complaint(read('rows.parquet', 'text,label\n'))).toBe(
    'rows.parquet: is not a parquet file: it does not begin with PAR1.',
  )
})

test('CSV: columns without a name are left out, as a spreadsheet or pandas leaves them', async () => {
  expect(await read('commas.csv', 'text,label,,\nfine,1,,\n"poor, so",0,,\n')).toEqual([
    { line: 2, values: { text: 'fine', label: '1' } },
    { line: 3, values: { text: 'poor, so', label: '0' } },
  ])
  expect(await read('pandas.csv', ',text, ,label\n0,fine,x,1\n')).toEqual([
    { line: 2, values: { text: 'fine', label: '1' } },
  ])
  expect(await read('tabs.tsv', 'text\tlabel\t\nfine\t1\t\n')).toEqual([
    { line: 2, values: { text: 'fine', label: '1' } },
  ])
})

test('CSV: a value beyond the last name has slipped out of its column', async () => {
  expect(await read('slipped.csv', 'text,label,,\nfine, really,1,\nfine,1,,x\nfine,1\n')).toEqual([
    {
      line: 2,
      problem: 'value 3 of the line is in a column without a name. Put quotes around a value that holds a comma.',
    },
    {
      line: 3,
      problem: 'value 4 of the line is in a column without a name. Put quotes around a value that holds a comma.',
    },
    { line: 4, problem: 'the line has 2 values, there are 4 columns. Put quotes around a value that holds a comma.' },
  ])
})

test('CSV of classic Mac OS', async () => {
  expect(await read('mac.csv', 'text,label\r"a\rb",1\rc,0\r')).toEqual([
    { line: 2, values: { text: 'a\nb', label: '1' } },
    { line: 4, values: { text: 'c', label: '0' } },
  ])
})

describe('.json', () => {
  test.each([
    ['a list', '\ufeff[\n {"text": "a", "label": 1.0},\n {"text": NaN}, 3]'],
    ['an object that numbers rows', '{"0": {"text": "a", "label": 1.0}, "1": {"text": null}, "2": 3}'],
  ])('%s of rows, numbers as written', async (_, text) => {
    expect(await read('rows.json', text)).toEqual([
      { line: 1, values: { text: 'a', label: '1.0' } },
      { line: 2, values: { text: null } },
      { line: 3, problem: 'the entry is not a JSON object.' },
    ])
  })

  test('JSON lines, one or more', async () => {
    expect(await read('lines.json', '{"text": "a", "tags": ["x"]}\n')).toEqual([
      { line: 1, values: { text: 'a', tags: ['x'] } },
    ])
    expect(await read('lines.json', '{"text": "a"}\r\n{"text": "b"\n{"text": "c"}')).toEqual([
      { line: 1, values: { text: 'a' } },
      { line: 2, problem: 'the line is not valid JSON.' },
      { line: 3, values: { text: 'c' } },
    ])
  })

  const REMEDY = "A .json file is a list of objects, or JSON lines: pandas' to_json(…, orient='records', lines=True)."
  test.each([
    [
      'rows in a list within',
      '{"version": "1", "data": [{"text": "a"}]}',
      `rows.json: holds its rows in a list within an object, 'data'. ${REMEDY}`,
    ],
    [
      'columns',
      '{"text": {"0": "a"}, "label": {"0": 1}}',
      `rows.json: holds columns of values, as pandas writes them by default. ${REMEDY}`,
    ],
    ['a number', '3', `rows.json: holds no rows. ${REMEDY}`],
    ['UTF-16', Buffer.from('\ufeff[]', 'utf16le'), 'rows.json: the text is in UTF-16. Save it as UTF-8 text.'],
    ['Latin-1', Buffer.from('["é"]', 'latin1'), 'rows.json: the text is not UTF-8. Save it as UTF-8.'],
  ])('%s', async (_, text, message) => {
    expect(await complaint(read('rows.json', text))).toBe(message)
  })

  test('a list that breaks off', async () => {
    expect(await complaint(read('rows.json', '[\n{"text": "a"},\n'))).toMatch(
      /^rows\.json: is not one JSON document: .+\.$/,
    )
  })
})
