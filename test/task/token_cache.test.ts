import { execFile } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { openTokenStore, type TokenStoreOptions } from '../../src/task/tokens/token_store.js'
import { textReader } from '../../src/task/tokens/tokenise.js'
import {
  cache,
  data,
  examples,
  expected,
  FEW,
  idsOf,
  key,
  limits,
  readings,
  root,
  store,
  storeFile,
  tokenizer,
  tokenizerFile,
} from './stored_tokens.js'

test('two at once in one process make it once', async () => {
  let waited = 0
  async function* whileOneWaits() {
    while (waited === 0) await setTimeout(1)
    yield* examples()
  }
  const open = () => store({ onWait: () => waited++ }, whileOneWaits)
  const [one, two] = await Promise.all([open(), open()])
  expect([readings, waited]).toEqual([1, 1])
  expect(idsOf(one)).toEqual(expected)
  expect(idsOf(two)).toEqual(expected)
})

test('two processes make it once', async () => {
  const script = `
    const { openTokenStore } = await import('./src/task/tokens/token_store.ts')
    const { loadTokenizer } = await import('./src/backbone/files/tokenizer.ts')
    const { textReader } = await import('./src/task/tokens/tokenise.ts')
    let read = 0
    async function* examples() {
      read++
      for (let i = 0; i < 20000; i++) yield { source: 'row ' + i, target: String(i % 2) }
    }
    const [cache, file, tokenizerFile] = process.argv.slice(1)
    const tokenizer = await loadTokenizer(tokenizerFile)
    const key = { files: [file], text: {}, tokenizerFile }
    const store = await openTokenStore(key, examples, textReader(tokenizer, { source: 9, target: 9 }), { cache })
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
  const open = (options: TokenStoreOptions = {}) =>
    openTokenStore(key(), () => examples(), textReader(tokenizer, limits), options)
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
    openTokenStore(key(text), () => examples(), textReader(tokenizer, limits), { cache, ...(limit && { limit }) })
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
