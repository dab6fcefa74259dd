// expected: test/oracle/words.py, Hugging Face's tokenizers
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { packageRoot } from '../../src/base/root.js'
import { wordsIn } from '../../src/objective/tags.js'
import { taskOptions } from '../../src/task/options.js'
import { encoderReader } from '../../src/task/tokens/encoder_reader.js'

interface Case {
  tokenizer?: object
  rows: { words: string[]; limit: number; ids: number[]; places: number[] }[]
}
const cases = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/words.json'), 'utf8')) as Record<string, Case>
const folder = mkdtempSync(join(tmpdir(), 'compacter-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const task = taskOptions.parse({ kind: 'token_classification', name: 'tags', train: 'a', validation: 'a', test: 'a' })
if (task.kind !== 'token_classification') throw new Error(task.kind)
const CLASSES = ['O', 'B-X']

function fileOf(name: string): string {
  const { tokenizer } = cases[name]!
  if (!tokenizer) return join(packageRoot, 'configs/backbones', name, 'tokenizer.json')
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(tokenizer))
  return file
}

describe.each(Object.keys(cases))('words of %s', (name) => {
  test('become the ids of the library, and their first pieces are where it has them', async () => {
    const tokenizer = await loadTokenizer(fileOf(name))
    const { template } = tokenizer
    for (const { words, limit, ids, places } of cases[name]!.rows) {
      const own = { limit, segments: false }
      const reader = encoderReader(task, CLASSES, { ...tokenizer, template: template! }, own)
      const target = words.map((_, i) => CLASSES[i % 2]).join(' ')
      const { source, target: made } = await reader.read([{ source: words.join(' '), words, target }])
      expect([...source[0]!], words.join('|')).toEqual(ids)
      expect(wordsIn(made[0]!), words.join('|')).toEqual(places.map((place, i) => ({ tag: i % 2, place })))
      expect(reader.text(made[0]!)).toBe(target)
    }
  })
})

test('a cut sentence says how many ids and words it had', async () => {
  const tokenizer = await loadTokenizer(fileOf('bert-nano'))
  const reader = encoderReader(
    task,
    CLASSES,
    { ...tokenizer, template: tokenizer.template! },
    { limit: 5, segments: true },
  )
  const words = ['a', 'b', 'c', 'd', 'e']
  const { whole, target } = await reader.read([{ source: words.join(' '), words, target: '' }])
  expect(whole.source).toEqual([7])
  expect(reader.objective.places!(target[0]!)).toEqual([1, 2, 3, -1, -1])
})
