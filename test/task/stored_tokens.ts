import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { packageRoot } from '../../src/base/root.js'
import type { TextRow } from '../../src/task/tokens/reader.js'
import {
  openTokenStore,
  type TokenKey,
  type TokenStore,
  type TokenStoreOptions,
} from '../../src/task/tokens/token_store.js'
import { textReader } from '../../src/task/tokens/tokenise.js'

export const tokenizerFile = join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json')
export const tokenizer = await loadTokenizer(tokenizerFile)
export const limits = { source: 12, target: Number.MAX_SAFE_INTEGER }
export const root = mkdtempSync(join(tmpdir(), 'compacter-tokens-'))
afterAll(() => rmSync(root, { recursive: true }))

export let cache: string
export let data: string
export let readings: number
beforeEach(() => {
  const folder = mkdtempSync(join(root, 'case-'))
  cache = join(folder, 'cache')
  data = join(folder, 'rows.jsonl')
  readings = 0
  writeFileSync(data, '{}\n')
})

/** Lengths differ by row, sources are cut at 12 tokens, and the rows fill more than one batch. */
export const ROWS: TextRow[] = Array.from({ length: 9000 }, (_, i) => ({
  source: `row ${i} ${'a good film '.repeat(i % 5)}`,
  target: `label ${i % 3}`,
}))

export const FEW = ROWS.slice(0, 30)

export async function* examples(rows = FEW): AsyncGenerator<TextRow> {
  readings++
  yield* rows
}

export const key = (text: unknown = { prompt: '{text}' }): TokenKey => ({ files: [data], text, tokenizerFile })
export const store = (options: Partial<TokenStoreOptions> = {}, read = () => examples()) =>
  openTokenStore(key(), read, textReader(tokenizer, limits), { cache, ...options })

export const idsOf = ({ rows, source, target }: TokenStore) =>
  Array.from({ length: rows }, (_, row) => [[...source(row)], [...target(row)]])

export const all = await (async () => {
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

export const whole = (
  await tokenizer.encode(
    ROWS.map(({ source }) => source),
    Number.MAX_SAFE_INTEGER,
  )
).map((ids) => ids.length)

export const expected = all.slice(0, FEW.length)

export const storeFile = () => {
  const names = readdirSync(cache)
  expect(names).toHaveLength(1)
  return join(cache, names[0]!)
}
