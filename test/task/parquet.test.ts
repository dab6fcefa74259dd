import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { parquetRows } from '../../src/task/parquet/parquet.js'
import { shortestFloat16, shortestFloat32 } from '../../src/task/rows/shortest.js'
import { collect } from './collect.js'

// all made by test/oracle/hub_files.py with pyarrow
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/parquet/${name}`, import.meta.url))
const jsonFixture = (name: string) => JSON.parse(readFileSync(fixture(name), 'utf8'))
/** 3 rows in row groups of 2. */
const TYPES = fixture('types-snappy.parquet')
const folder = mkdtempSync(join(tmpdir(), 'compacter-parquet-'))
afterAll(() => rmSync(folder, { recursive: true }))

function damaged(change: (bytes: Buffer) => Buffer, name = 'types-snappy.parquet'): string {
  const file = join(folder, 'damaged.parquet')
  writeFileSync(file, change(readFileSync(fixture(name))))
  return file
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'did not fail',
    (error) => `${error.name}: ${error.message}`,
  )

const EXPECTED = [
  {
    text: 'one',
    whole: 1,
    single: 3.8,
    double: 3.8,
    truth: true,
    tokens: ['a', 'b'],
    numbers: [1, '1152921504606846976'],
    nested: { a: 1, b: [2.5] },
    day: '2026-11-23',
    time: '2026-11-23T22:05:06.789Z',
    nanos: '1970-01-01T00:00:00.000000001',
    money: '12.50',
    picture: new Uint8Array([0xff, 0xd8]),
    word: 'x',
  },
  {
    text: null,
    whole: '1152921504606846976',
    single: 0.1,
    double: 1e300,
    truth: false,
    tokens: [],
    numbers: [],
    nested: { a: null, b: [] },
    day: '1969-12-31',
    time: '2026-11-23T22:05:06.789Z',
    nanos: null,
    money: '-0.01',
    picture: new Uint8Array(),
    word: 'y',
  },
  { ...nothing(), text: 'drei ü', word: 'x' },
]

function nothing() {
  const names = ['text', 'whole', 'single', 'double', 'truth', 'tokens', 'numbers', 'nested', 'day', 'time', 'nanos']
  return Object.fromEntries([...names, 'money', 'picture', 'word'].map((name) => [name, null]))
}

test.each(['none', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd'])('every type, compressed by %s', async (codec) => {
  const rows = await collect(parquetRows(fixture(`types-${codec}.parquet`)))
  expect(rows).toEqual(EXPECTED.map((values, i) => ({ line: i + 1, values })))
})

describe.each(['bytes', 'integers'])('every logical type, decimals stored as %s', (stored) => {
  const expected: Record<string, unknown[]> = jsonFixture('logical.json')

  test.each(Object.keys(expected))('%s is as pyarrow writes it', async (name) => {
    const rows = await collect(parquetRows(fixture(`logical-${stored}.parquet`)))
    expect(rows.map((row) => 'values' in row && row.values[name])).toEqual(expected[name])
  })
})

test('types that pyarrow does not write: ENUM is text, INTERVAL a duration, INT96 a time', async () => {
  const values = async (name: string) =>
    (await collect(parquetRows(fixture(name)))).map((row) => 'values' in row && row.values)
  expect(await values('enum.parquet')).toEqual([{ word: 'x' }, { word: null }, { word: 'ü' }])
  expect(await values('interval.parquet')).toEqual([
    { span: 'P14M3DT1.500S', text: 'a' },
    { span: null, text: 'b' },
    { span: 'P0M0DT4294967.295S', text: 'c' },
  ])
  expect(await values('int96.parquet')).toEqual(
    jsonFixture('logical.json').stamp_ns.map((stamp: string) => ({ stamp })),
  )
})

test('text that is not UTF-8 stays bytes, which no row can use', async () => {
  const file = damaged((bytes) => {
    bytes[bytes.indexOf('drei')] = 0xff
    return bytes
  }, 'types-none.parquet')
  const [, , third] = await collect(parquetRows(file, ['text']))
  expect(third).toEqual({ line: 3, values: { text: new Uint8Array([0xff, ...Buffer.from('rei ü')]) } })
})

test('only some columns', async () => {
  const rows = await collect(parquetRows(TYPES, ['word', 'text']))
  expect(rows[2]).toEqual({ line: 3, values: { word: 'x', text: 'drei ü' } })
})

test('a column that is not there names those that are', async () => {
  expect(await failure(collect(parquetRows(TYPES, ['text', 'label'])))).toBe(
    `UserError: ${TYPES}: has no column 'label'. Columns: ${Object.keys(EXPECTED[0]!).join(', ')}.`,
  )
})

test('bytes are refused where text is wanted', async () => {
  expect(await failure(collect(parquetRows(TYPES, ['picture'])))).toBe(
    `UserError: ${TYPES}: column 'picture' holds bytes, not text. Write it as a string.`,
  )
})

test('a half-written file', async () => {
  const file = damaged((bytes) => bytes.subarray(0, 2000))
  expect(await failure(collect(parquetRows(file)))).toBe(
    `UserError: ${file}: breaks off after 2000 bytes: a parquet file ends with PAR1. It was half written: write or download it again.`,
  )
})

test.each([
  ['text', Buffer.from('text,label\n')],
  ['nothing', Buffer.alloc(0)],
])('%s is not a parquet file', async (_, content) => {
  const file = damaged(() => content)
  expect(await failure(collect(parquetRows(file)))).toBe(
    `UserError: ${file}: is not a parquet file: it does not begin with PAR1.`,
  )
})

test('no file, and a folder', async () => {
  const none = join(folder, 'none.parquet')
  expect(await failure(collect(parquetRows(none)))).toBe(`UserError: ${none}: there is no such file.`)
  expect(await failure(collect(parquetRows(folder)))).toBe(`UserError: ${folder}: is a folder, not a file of rows.`)
})

test('a footer of noise', async () => {
  const file = damaged((bytes) => {
    bytes.fill(0xff, bytes.length - 400, bytes.length - 8)
    return bytes
  })
  expect(await failure(collect(parquetRows(file)))).toMatch(
    /^UserError: \S+damaged\.parquet: its footer cannot be read: .+\. The file is damaged: write or download it again\.$/,
  )
})

test('a hole in the data names the rows, and those before it are given', async () => {
  const file = damaged((bytes) => bytes.fill(0xff, 4, 60))
  const seen: number[] = []
  const reading = (async () => {
    for await (const { line } of parquetRows(file)) seen.push(line)
  })()
  expect(await failure(reading)).toMatch(
    /^UserError: \S+damaged\.parquet: rows 1 to 2 cannot be read: .+\. The file is damaged: write or download it again\.$/,
  )
  expect(seen).toEqual([])
})

// np.float32(x) printed by NumPy: the shortest decimal that is the same float32
test.each([
  [3.799999952316284, 3.8],
  [0.10000000149011612, 0.1],
  [2.466666698455811, 2.4666667],
  [16777216, 16777216],
  [1.401298464324817e-45, 1e-45],
  [-0.3333333432674408, -0.33333334],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  [Number.NaN, Number.NaN],
])('float32 %f is %f', (single, expected) => {
  expect(shortestFloat32(single)).toBe(expected)
})

test('float16s are what NumPy prints', () => {
  for (const [bits, text] of jsonFixture('float16.json')) expect(shortestFloat16(bits), text).toBe(Number(text))
})

test('float16s that are whole numbers, infinite or none', () => {
  expect([0x7bff, 0x8000, 0xfc00, 0x7e00].map(shortestFloat16)).toEqual([
    65504,
    -0,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ])
})
