import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { packageRoot } from '../../src/base/root.js'
import { textReader } from '../../src/task/tokens/tokenise.js'

const tokenizer = await loadTokenizer(join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json'))

test('a text far beyond the limit has the tokens that it has as a whole', async () => {
  const sources = [
    'a good film , they say '.repeat(2000),
    `${' '.repeat(5000)}late words after many blanks ${'and more '.repeat(500)}`,
    'x'.repeat(20_000),
    `${'\u00a0wide\u3000blanks '.repeat(900)}`,
    'short',
    '',
  ]
  for (const limit of [2, 9, 33]) {
    const rows = sources.map((text) => ({ source: text, target: '1' }))
    const { source } = await textReader(tokenizer, { source: limit, target: 2 }).read(rows)
    expect(source).toEqual(await tokenizer.encode(sources, limit))
  }
})

test('of 4 MB of text little more than the head is tokenised', async () => {
  const texts = Array.from({ length: 2 }, () => ({ source: 'a good film '.repeat(350_000), target: '1' }))
  const before = process.resourceUsage().maxRSS
  const { source } = await textReader(tokenizer, { source: 128, target: 2 }).read(texts)
  expect(source.map((row) => row.length)).toEqual([128, 128])
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(100)
})

test('tells how many tokens there were before rows were cut, or that there are more than were counted', async () => {
  const rows = ['a good film', 'a good film '.repeat(9), 'a good film '.repeat(9000), `x ${' '.repeat(9000)}`].map(
    (text, i) => ({
      source: text,
      target: 'word '.repeat(i + 1),
    }),
  )
  const { source, target, whole } = await textReader(tokenizer, { source: 9, target: 4 }).read(rows)
  const lengthOf = async (text: string) => (await tokenizer.encode([text], Number.MAX_SAFE_INTEGER))[0]!.length
  const lengths = await Promise.all(rows.map((row) => lengthOf(row.source)))
  expect(whole.source).toEqual([lengths[0], lengths[1], -(await lengthOf(`${'a good film '.repeat(48)}a`)), lengths[3]])
  expect(source.map((ids) => ids.length)).toEqual(lengths.map((length) => Math.min(length, 9)))
  expect(whole.target).toEqual(await Promise.all(rows.map((row) => lengthOf(row.target))))
  expect(target.map((ids) => ids.length)).toEqual(whole.target.map((length) => Math.min(length, 4)))
})
