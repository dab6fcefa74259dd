import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { hashFiles, hashFilesInPieces } from '../../src/base/files/hash.js'
import { packageRoot } from '../../src/base/root.js'
import {
  openTokenStore,
  type TokenKey,
  type TokenStore,
  type TokenStoreOptions,
} from '../../src/task/tokens/token_store.js'
import type { TextPair } from '../../src/task/tokens/tokenise.js'

const tokenizerFile = join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json')
const tokenizer = await loadTokenizer(tokenizerFile)
const limits = { source: 12, target: Number.MAX_SAFE_INTEGER }
const root = mkdtempSync(join(tmpdir(), 'compacter-tokens-'))
afterAll(() => rmSync(root, { recursive: true }))

let cache: string
let data: string
let readings: number
beforeEach(() => {
  const folder = mkdtempSync(join(root, 'case-'))
  cache = join(folder, 'cache')
  data = join(folder, 'rows.jsonl')
  readings = 0
  writeFileSync(data, '{}\n')
})

/** Lengths differ by row, sources are cut at 12 tokens, and the rows fill more than one batch. */
const ROWS: TextPair[] = Array.from({ length: 9000 }, (_, i) => ({
  source: `row ${i} ${'a good film '.repeat(i % 5)}`,
  target: `label ${i % 3}`,
}))

const FEW = ROWS.slice(0, 30)

async function* examples(rows = FEW): AsyncGenerator<TextPair> {
  readings++
  yield* rows
}

const key = (text: unknown = { prompt: '{text}' }): TokenKey => ({ files: [data], text, tokenizerFile })
const store = (options: Partial<TokenStoreOptions> = {}, read = () => examples()) =>
  openTokenStore(key(), read, tokenizer, limits, { cache, ...options })

const idsOf = ({ rows, source, target }: TokenStore) =>
  Array.from({ length: rows }, (_, row) => [[...source(row)], [...target(row)]])

const all = await (async () => {
  const source = await tokenizer.encode(
    ROWS.map((row) => row.source),
    12,
  )
  const target = await tokenizer.encode(
    ROWS.map((row) => row.target),
    1000,
  )
  return source.map((ids, row) => [[...ids], [...target[row]!]])
})()

const whole = (
  await tokenizer.encode(
    ROWS.map(({ source }) => source),
    Number.MAX_SAFE_INTEGER,
  )
).map((ids) => ids.length)

const expected = all.slice(0, FEW.length)

const storeFile = () => {
  const names = readdirSync(cache)
  expect(names).toHaveLength(1)
  return join(cache, names[0]!)
}

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
    const wide = await openTokenStore(key(), () => examples(), { ...tokenizer, vocabularySize: 65_537 }, limits, {
      cache,
      inMemory,
    })
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
    (await openTokenStore(of, () => examples(), tokenizer, cut, { cache })).source(9).length
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
  ;(await openTokenStore(key(), () => examples(), { ...tokenizer, eosId: 5 }, limits, { cache })).close()
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
    ;(await openTokenStore(files, () => examples(), tokenizer, limits, { cache })).close()
  }
  await of('{}\n', '{}\n{}\n')
  await of('{}\n', '{}\n{}\n')
  expect(readings).toBe(1)
  await of('{}\n{}\n', '{}\n')
  expect(readings).toBe(2)
})

test('two at once in one process make it once', async () => {
  let waited = 0
  const [one, two] = await Promise.all([store({ onWait: () => waited++ }), store({ onWait: () => waited++ })])
  expect([readings, waited]).toEqual([1, 1])
  expect(idsOf(one)).toEqual(expected)
  expect(idsOf(two)).toEqual(expected)
})

test('two processes make it once', async () => {
  const script = `
    const { openTokenStore } = await import('./src/task/tokens/token_store.ts')
    const { loadTokenizer } = await import('./src/backbone/files/tokenizer.ts')
    let read = 0
    async function* examples() {
      read++
      for (let i = 0; i < 20000; i++) yield { source: 'row ' + i, target: String(i % 2) }
    }
    const [cache, file, tokenizerFile] = process.argv.slice(1)
    const tokenizer = await loadTokenizer(tokenizerFile)
    const key = { files: [file], text: {}, tokenizerFile }
    const store = await openTokenStore(key, examples, tokenizer, { source: 9, target: 9 }, { cache })
    console.log(JSON.stringify({ read, rows: store.rows, last: tokenizer.decode(store.source(19999)) }))`
  const options = { cwd: packageRoot }
  const args = ['--import', 'tsx', '--input-type=module', '-e', script, cache, data, tokenizerFile]
  const run = async () => JSON.parse((await promisify(execFile)(process.execPath, args, options)).stdout)
  const results = (await Promise.all([run(), run()])).sort((a, b) => a.read - b.read)
  expect(results).toEqual([
    { read: 0, rows: 20000, last: 'row 19999' },
    { read: 1, rows: 20000, last: 'row 19999' },
  ])
  storeFile()
}, 60_000)

test('a failure of the examples is passed on, and nothing is left', async () => {
  async function* broken() {
    yield* FEW
    throw new Error('rows.jsonl:31: bad.')
  }
  await expect(store({}, broken)).rejects.toThrow('rows.jsonl:31: bad.')
  expect(readdirSync(cache)).toEqual([])
})

test('a data file that changes or vanishes while it is read makes no store', async () => {
  async function* changing() {
    yield* FEW
    appendFileSync(data, '{}\n')
  }
  await expect(store({}, changing)).rejects.toThrow(
    `${data}: was changed while it was read. Run again when nothing writes to it.`,
  )
  async function* vanishing() {
    yield* FEW
    rmSync(data)
  }
  await expect(store({}, vanishing)).rejects.toThrow(`${data}: there is no such file.`)
  await expect(store()).rejects.toThrow(`${data}: there is no such file.`)
  expect(readdirSync(cache)).toEqual([])
})

test('where the cache cannot be written to, the tokens are for this run', async () => {
  const warnings: string[] = []
  const options = { cache: join(data, 'cache'), warn: (text: string) => warnings.push(text) }
  const made = await store(options)
  expect(idsOf(made)).toEqual(expected)
  made.close()
  expect(warnings).toEqual([
    `Tokens are kept for this run only. ${join(data, 'cache')}: part of the path is a file, not a folder. Choose another folder.`,
  ])
})

describe.skipIf(process.platform === 'win32')("the user's own cache", () => {
  const open = (options: TokenStoreOptions = {}) => openTokenStore(key(), () => examples(), tokenizer, limits, options)
  beforeEach(() => {
    for (const path of [root, dirname(cache)]) chmodSync(path, 0o755)
    vi.stubEnv('COMPACTER_CACHE', cache)
  })
  afterEach(() => void vi.unstubAllEnvs())

  test('keeps texts for their user only', async () => {
    ;(await open()).close()
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
    const [file] = readdirSync(join(cache, 'tokens'))
    expect([cache, join(cache, 'tokens'), join(cache, 'tokens', file!)].map(modeOf)).toEqual(['700', '700', '600'])
    chmodSync(join(cache, 'tokens'), 0o755) // as older versions made it
    ;(await open()).close()
    expect(modeOf(join(cache, 'tokens'))).toBe('700')
    expect(readings).toBe(1)
  })

  test('is not used where others could have put rows of theirs', async () => {
    ;(await open()).close()
    chmodSync(cache, 0o777)
    const warnings: string[] = []
    const made = await open({ warn: (text) => warnings.push(text) })
    expect(idsOf(made)).toEqual(expected)
    made.close()
    expect(readings).toBe(2)
    expect(warnings).toEqual([
      `Tokens are kept for this run only. ${cache} can be written by others (mode 777). Set COMPACTER_CACHE to a folder of your own.`,
    ])
  })
})

test('where no folder can be written to, the tokens are in memory', async () => {
  const before = process.env.TMPDIR
  process.env.TMPDIR = join(root, 'no/such/folder')
  try {
    const made = await store({ cache: join(data, 'cache') })
    expect(idsOf(made)).toEqual(expected)
    expect(() => made.target(-1)).toThrow('row -1 of 30')
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
})

test('the cache is bounded: the least recently used stores are removed, and what a killed process left', async () => {
  const open = (text: string, limit?: number) =>
    openTokenStore(key(text), () => examples(), tokenizer, limits, { cache, ...(limit && { limit }) })
  const nameOf = async (text: string) => {
    const before = existsSync(cache) ? readdirSync(cache) : []
    ;(await open(text)).close()
    return readdirSync(cache).find((name) => !before.includes(name))!
  }
  const [first, second, third] = [await nameOf('1'), await nameOf('2'), await nameOf('3')]
  const size = statSync(join(cache, first)).size
  const daysAgo = (name: string, days: number) => {
    const time = new Date(Date.now() - days * 86_400_000)
    utimesSync(join(cache, name), time, time)
  }
  for (const [name, days] of [
    [first, 9],
    [second, 8],
    [third, 7],
  ] as const)
    daysAgo(name, days)
  ;(await open('1')).close() // used again: no longer the oldest
  for (const [name, days] of [
    [`${first}.1.partial`, 2],
    [`${first}.2.partial`, 0],
    [`${second}.lock`, 2],
  ] as const) {
    writeFileSync(join(cache, name), '')
    daysAgo(name, days)
  }
  ;(await open('4', 2 * size)).close()
  const left = readdirSync(cache)
  expect(left).toHaveLength(3)
  expect(left).toContain(first)
  expect(left).toContain(`${first}.2.partial`)
})
