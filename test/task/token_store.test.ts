import { createHash } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { hashFiles, hashFilesInPieces } from '../../src/base/files/hash.js'
import { openTokenStore, type TokenKey } from '../../src/task/tokens/token_store.js'
import { textReader } from '../../src/task/tokens/tokenise.js'
import {
  all,
  cache,
  data,
  examples,
  expected,
  idsOf,
  key,
  limits,
  ROWS,
  readings,
  root,
  store,
  storeFile,
  tokenizer,
  tokenizerFile,
  whole,
} from './stored_tokens.js'

describe.each([
  ['in memory', 2 ** 30],
  ['read from disk', 0],
])('a store, %s', (_, inMemory) => {
  test('has what the tokenizer gives, and is not made twice', async () => {
    const seen: number[] = []
    const made = await store({ inMemory, onProgress: (rows) => seen.push(rows) }, () => examples(ROWS))
    expect(seen).toEqual([2048, 4096, 6144, 8192, 9000])
    expect(idsOf(made)).toEqual(all)
    made.close()
    const again = await store({ inMemory, onProgress: (rows) => seen.push(rows) }, () => examples(ROWS))
    expect(readings).toBe(1)
    expect(seen).toHaveLength(5)
    expect(again.rows).toBe(9000)
    expect(idsOf(again)).toEqual(all)
    expect([...again.sourceLengths]).toEqual(all.map(([source]) => source!.length))
    expect([...again.targetLengths]).toEqual(all.map(([, target]) => target!.length))
    expect([...again.wholeSourceLengths]).toEqual(whole)
    expect(whole.filter((tokens) => tokens > 12).length).toBeGreaterThan(1000)
    expect([...again.wholeTargetLengths]).toEqual([...again.targetLengths])
    again.close()
    again.close()
  })

  test('has ids of four bytes where the vocabulary needs them', async () => {
    const wide = await openTokenStore(
      key(),
      () => examples(),
      textReader({ ...tokenizer, vocabularySize: 65_537 }, limits),
      {
        cache,
        inMemory,
      },
    )
    expect(idsOf(wide)).toEqual(expected)
    const ids = expected.flat(2).length
    expect(statSync(storeFile()).size).toBe(512 + 4 * ids + 16 * 30)
    wide.close()
  })

  test('refuses a row beyond the last', async () => {
    const made = await store({ inMemory })
    expect(() => made.source(30)).toThrow('row 30 of 30')
    made.close()
  })
})

test('ids take two bytes, lengths sixteen a row', async () => {
  ;(await store()).close()
  expect(statSync(storeFile()).size).toBe(512 + 2 * expected.flat(2).length + 16 * 30)
})

test('a store without rows', async () => {
  const none = () => examples([])
  expect((await store({}, none)).rows).toBe(0)
  expect((await store({}, none)).rows).toBe(0)
  expect(readings).toBe(1)
})

const flip = (position: (size: number) => number) => (file: string) => {
  const bytes = readFileSync(file)
  const at = position(bytes.length)
  bytes[at] = bytes[at]! ^ 1
  writeFileSync(file, bytes)
}

test.each<[string, (file: string) => void]>([
  ['empty', (file) => truncateSync(file, 0)],
  ['cut within its head', (file) => truncateSync(file, 100)],
  ['one byte short', (file) => truncateSync(file, statSync(file).size - 1)],
  ['one byte too long', (file) => appendFileSync(file, 'x')],
  ['damaged in its head', flip((size) => size * 0 + 1)],
  ['damaged in an id', flip((size) => size >> 1)],
  ['damaged in a length', flip((size) => size - 3)],
  [
    'of an older format',
    (file) => writeFileSync(file, readFileSync(file, 'latin1').replace(/"format":./, '"format":1'), 'latin1'),
  ],
  [
    'under another name',
    (file) => writeFileSync(file, readFileSync(file, 'latin1').replace(/"key":"./, '"key":"?'), 'latin1'),
  ],
])('a store that is %s is made anew', async (_, damage) => {
  ;(await store()).close()
  const whole = readFileSync(storeFile())
  damage(storeFile())
  for (const inMemory of [2 ** 30, 0]) {
    const again = await store({ inMemory })
    expect(readings).toBe(2)
    expect(idsOf(again)).toEqual(expected)
    again.close()
  }
  expect(readFileSync(storeFile()).equals(whole)).toBe(true)
})

test('other data, text, limits or tokenizer are another store', async () => {
  const open = async (of: TokenKey, cut = limits) =>
    (await openTokenStore(of, () => examples(), textReader(tokenizer, cut), { cache })).source(9).length
  expect(await open(key())).toBe(12)
  expect(await open(key(), { ...limits, source: 5 })).toBe(5)
  expect(await open(key(), { ...limits, target: 5 })).toBe(12)
  expect(await open(key({ prompt: 'say {text}' }))).toBe(12)
  const other = join(root, 'tokenizer.json')
  writeFileSync(other, `${readFileSync(tokenizerFile)} `)
  expect(await open({ ...key(), tokenizerFile: other })).toBe(12)
  writeFileSync(data, '{ }\n')
  expect(await open(key())).toBe(12)
  expect(readings).toBe(6)
  expect(readdirSync(cache)).toHaveLength(6)
  writeFileSync(data, '{}\n') // new time of change, old bytes
  expect(await open(key())).toBe(12)
  expect(readings).toBe(6)
  ;(await openTokenStore(key(), () => examples(), textReader({ ...tokenizer, eosId: 5 }, limits), { cache })).close()
  expect(readings).toBe(7)
})

test('the data files are hashed with progress', async () => {
  writeFileSync(data, Buffer.alloc(9 * 2 ** 20))
  const seen: [number, number][] = []
  ;(await store({ onHash: (bytes, total) => seen.push([bytes, total]) })).close()
  expect(seen).toEqual([4, 8, 9].map((mebibytes) => [mebibytes * 2 ** 20, 9 * 2 ** 20]))
})

test('a data file whose hash is known is not hashed again', async () => {
  vi.stubEnv('COMPACTER_CACHE', dirname(cache))
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 }) // as if the file had been there for a while
  try {
    const seen: number[] = []
    const onBytes = (bytes: number) => seen.push(bytes)
    await hashFilesInPieces([data], onBytes)
    expect(seen).toEqual([3])
    ;(await store({ onHash: onBytes })).close()
    expect(hashFiles([data])).toBe(createHash('sha256').update('{}\n').digest('hex'))
    expect(seen).toEqual([3])
  } finally {
    vi.useRealTimers()
    vi.unstubAllEnvs()
  }
})

test('of several files it counts where each ends', async () => {
  const other = join(dirname(data), 'more.jsonl')
  const of = async (first: string, second: string) => {
    writeFileSync(data, first)
    writeFileSync(other, second)
    const files = { ...key(), files: [data, other] }
    ;(await openTokenStore(files, () => examples(), textReader(tokenizer, limits), { cache })).close()
  }
  await of('{}\n', '{}\n{}\n')
  await of('{}\n', '{}\n{}\n')
  expect(readings).toBe(1)
  await of('{}\n{}\n', '{}\n')
  expect(readings).toBe(2)
})
