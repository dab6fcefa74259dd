import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { parquetRows } from '../../src/task/parquet/parquet.js'
import { collect } from './collect.js'
import { CODECS, ENCODINGS, parquetFile, plain, varint } from './parquet_file.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-parquet-'))
afterAll(() => rmSync(folder, { recursive: true }))

function written(bytes: Buffer): string {
  const file = join(folder, 'bomb.parquet')
  writeFileSync(file, bytes)
  return file
}

/** With its length before it, as the first version of pages has levels. */
function levels(runs: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(runs.length)
  return Buffer.concat([length, runs])
}

const run = (count: number, value: number) => Buffer.concat([varint(count * 2), Buffer.from([value])])

/** A Zstandard frame (RFC 8878) with a window of 1 GiB, whose blocks are 128 kB of one byte each. */
function zstdBomb(blocks: number): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3])
  const block = (last: boolean) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE((131_072 << 3) | (1 << 1) | (last ? 1 : 0))
    return bytes // three bytes of head, and the byte that is repeated
  }
  return Buffer.concat([head, ...Array.from({ length: blocks }, (_, i) => block(i === blocks - 1))])
}

/** `count` equal numbers by DELTA_BINARY_PACKED: blocks of 128 in 4 parts, packed in no bits. */
function deltas(count: number, first: number, step: number): Buffer {
  const blocks = Math.ceil(count / 128)
  const block = Buffer.concat([varint(step * 2), Buffer.alloc(4)])
  const head = [varint(128), varint(4), varint(count), varint(first * 2)]
  return Buffer.concat([...head, ...Array<Buffer>(blocks).fill(block)])
}

test('a file as it should be, by the writer of these', async () => {
  const body = Buffer.concat([levels(Buffer.concat([run(1, 1), run(1, 0)])), plain('one')])
  const rows = await collect(parquetRows(written(parquetFile({ body, optional: true, rows: 2 }))))
  expect(rows).toEqual([
    { line: 1, values: { text: 'one' } },
    { line: 2, values: { text: null } },
  ])
})

const nulls = (count: number) => ({ body: levels(run(count, 0)), optional: true })

test.each<[string, Parameters<typeof parquetFile>[0], RegExp]>([
  [
    'more rows than a file of its size can hold',
    { ...nulls(2 ** 30), rows: 2 ** 30 },
    /footer .* a row group of \d+ bytes has 2147483648 rows and values; at most 2\d{6} are read/,
  ],
  [
    'rows beyond what numbers can count',
    { body: plain('one'), rows: 2n ** 60n },
    /something has 1152921504606846976 rows/,
  ],
  ['fewer values than rows', { body: plain('one'), rows: 3, values: 1 }, /column text has 1 values in 3 rows/],
  [
    'more values than rows',
    { body: plain('one'), values: 2 ** 31 - 1 },
    /pages of column text have more than its 1 values/,
  ],
  [
    'a run that is longer than its page',
    { ...nulls(2 ** 29), rows: 3 },
    /a page of 3 values has a run of 536870912 where 3/,
  ],
  [
    'an index that is repeated for ever',
    { body: Buffer.concat([Buffer.from([1]), run(2 ** 29, 0)]), encoding: ENCODINGS.RLE_DICTIONARY },
    /a page of 1 values has a run of 536870912/,
  ],
  [
    'pages of 2 GB once decompressed',
    { body: gzipSync(plain('one')), codec: CODECS.GZIP, uncompressed: 2 ** 31 - 1 },
    /its pages have more than 256 MiB/,
  ],
  [
    'a page that decompresses to more than it says',
    { body: zstdBomb(20_000), codec: CODECS.ZSTD, uncompressed: 7 },
    /a page has not the 7 bytes that its header says/,
  ],
  [
    'texts that each begin as the one before',
    {
      body: Buffer.concat([deltas(60_000, 0, 1), deltas(60_000, 1, 0), Buffer.alloc(60_000, 'a')]),
      encoding: ENCODINGS.DELTA_BYTE_ARRAY,
      rows: 60_000,
    },
    /its pages have more than 256 MiB/,
  ],
  [
    'many row groups of the same bytes',
    { body: plain('one'), groups: 10_000 },
    /its columns have \d+ bytes; there are \d+ before it/,
  ],
  [
    'a number without end',
    { body: plain('one'), tail: Buffer.concat([Buffer.from([6, 200, 1]), Buffer.alloc(500_000, 0x80)]) },
    /a number in it has more than 10 bytes/,
  ],
  ['columns in columns', { body: plain('one'), depth: 5000 }, /its columns nest deeper than 64/],
  ['structures without end', { body: plain('one'), tail: Buffer.alloc(100_000, 0x1c) }, /it nests deeper than 32/],
])('%s: one error, at once', { timeout: 60_000 }, async (_, bomb, message) => {
  const file = written(parquetFile(bomb))
  const started = process.cpuUsage()
  const failure = await collect(parquetRows(file)).then(() => 'did not fail', String)
  expect(failure).toMatch(/^UserError: \S+bomb\.parquet: .*\. The file is damaged: write or download it again\.$/s)
  expect(failure).toMatch(message)
  const { user, system } = process.cpuUsage(started)
  expect(user + system, 'processor time in microseconds').toBeLessThan(5e6)
})
