import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Example } from '../../src/task/example.js'
import { type TaskOptions, taskOptions } from '../../src/task/options.js'
import { examplesOf, sourceOf } from '../../src/task/rows/source.js'
import { collect } from './collect.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function taskOn(name: string, content: string, more: object = {}): TaskOptions {
  const file = join(folder, name)
  writeFileSync(file, content)
  return taskOptions.parse({ kind: 'token_classification', name: 'tags', train: file, ...more })
}

async function read(name: string, content: string, more: object = {}): Promise<Example[]> {
  const task = taskOn(name, content, more)
  return collect(examplesOf(task, await sourceOf(task, 'train')))
}

async function refusal(name: string, content: string, more: object = {}): Promise<string> {
  const error = await read(name, content, more).then(
    () => new Error('no error'),
    (error: Error) => error,
  )
  return error.message.replaceAll(`${folder}/`, '')
}

const TWO = [
  { row: 1, words: ['EU', 'rejects', 'German'], target: 'B-ORG O B-MISC' },
  { row: 5, words: ['Peter', 'Blackburn'], target: 'B-PER I-PER' },
]
const seen = (examples: Example[]) => examples.map(({ row, words, target }) => ({ row, words, target }))

describe('rows of words and tags', () => {
  test('come from lines of a word and its columns, the first and the last of them', async () => {
    const text =
      'EU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\n\nPeter NNP B-NP B-PER\nBlackburn NNP I-NP I-PER\n'
    expect(seen(await read('eng.train', text))).toEqual(TWO)
    expect((await read('eng.train', text))[0]!.source).toBe('EU rejects German')
  })

  test('come from lines with tabs, blank lines of white space, and Windows line ends', async () => {
    const text = 'EU\tB-ORG\r\nrejects\tO\t\r\nGerman\tB-MISC \r\n \t\r\nPeter\tB-PER\r\nBlackburn\tI-PER'
    expect(seen(await read('train.tsv', text))).toEqual(TWO)
  })

  test('may hold white space in a word between tabs', async () => {
    const [row] = await read('train.conll', 'New York\tB-LOC\nis\tO\n')
    expect([row!.words, row!.target]).toEqual([['New York', 'is'], 'B-LOC O'])
  })

  test('leave out -DOCSTART- and several blank lines', async () => {
    const text = '-DOCSTART- -X- -X- O\n\nEU B-ORG\n\n\n-DOCSTART- -X- -X- O\nPeter B-PER\n'
    const rows = await read('train.txt', text)
    expect(seen(rows)).toEqual([
      { row: 3, words: ['EU'], target: 'B-ORG' },
      { row: 7, words: ['Peter'], target: 'B-PER' },
    ])
  })

  test('come from the columns that task.columns, words and tags name', async () => {
    const text = '1 EU B-ORG x\n2 rejects O x\n'
    const own = { columns: ['id', 'form', 'tag', 'rest'], words: 'form', tags: 'tag' }
    expect(seen(await read('train.conll', text, own))).toEqual([
      { row: 1, words: ['EU', 'rejects'], target: 'B-ORG O' },
    ])
  })

  test('come from JSON lines with the columns that data sets have, and numbers that labels name', async () => {
    const lines = [
      { tokens: ['EU', 'rejects', 'German'], ner_tags: [3, 0, 7] },
      { tokens: ['Peter', 'Blackburn'], ner_tags: [1, 2] },
    ]
    const labels = { 0: 'O', 1: 'B-PER', 2: 'I-PER', 3: 'B-ORG', 7: 'B-MISC' }
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    const rows = seen(await read('train.jsonl', text, { labels }))
    expect(rows).toEqual([TWO[0], { ...TWO[1]!, row: 2 }])
  })

  test('allow an I- tag after nothing', async () => {
    expect((await read('train.conll', 'EU I-ORG\nis O\n'))[0]!.target).toBe('I-ORG O')
  })
})

describe('refuses, with file and line,', () => {
  test.each([
    [
      'a line with fewer columns',
      'EU NNP B-ORG\n\nPeter NNP B-PER\nis O\n',
      {},
      'a.conll:4: the line has 2 columns; the first line has 3.',
    ],
    ['a line with more', 'EU B-ORG\nis VBZ O\n', {}, 'a.conll:2: the line has 3 columns; the first line has 2.'],
    [
      'a line without a named column',
      'EU B-ORG\n',
      { columns: ['tokens', 'pos', 'ner_tags'] },
      'a.conll:1: the line has 2 columns; task.columns names 3.',
    ],
    ['an empty column', 'EU\tB-ORG\n\tO\n', {}, 'a.conll:2: column 1 of the line is empty.'],
    [
      'a line that is not UTF-8',
      Buffer.from('4555204f0aff204f0a', 'hex'),
      {},
      'a.conll:2: the line is not valid UTF-8.',
    ],
    [
      'a tag that is not named, at its own line',
      'EU B-ORG\n\nPeter B-PER\nsleeps O\n',
      { labels: { O: 'O', 'B-ORG': 'B-ORG' } },
      "a.conll:3: the tag of word 1 is 'B-PER'; task.labels, or else the training rows, have O, B-ORG.",
    ],
    [
      'such a tag of a later word',
      'EU B-ORG\nis O\nso I-X\n',
      { labels: { O: 'O', 'B-ORG': 'B-ORG' } },
      "a.conll:3: the tag of word 3 is 'I-X'; task.labels, or else the training rows, have O, B-ORG.",
    ],
    [
      'words alone',
      'EU\nrejects\n',
      {},
      "a.conll: task.tags names the column 'ner_tags', which is not in this file. Columns: tokens.",
    ],
    ['a file without a sentence', '-DOCSTART- -X- O\n\n', {}, 'a.conll: there are no rows.'],
  ])('%s', async (_, content, more, message) => {
    expect(await refusal('a.conll', content as string, more)).toBe(message)
  })

  test.each([
    [
      'words and tags of different length',
      [
        { tokens: ['EU'], ner_tags: ['O'] },
        { tokens: ['EU', 'is'], ner_tags: ['O'] },
      ],
      "a.jsonl:2: column 'ner_tags' has 1 tag for 2 words of column 'tokens'.",
    ],
    ['no words', [{ tokens: [], ner_tags: [] }], "a.jsonl:1: column 'tokens' is an empty list."],
    [
      'a tag that is missing',
      [{ tokens: ['a'], ner_tags: [null] }],
      "a.jsonl:1: column 'ner_tags' is not a list of texts.",
    ],
    [
      'white space in a tag',
      [{ tokens: ['a', 'b'], ner_tags: ['O', 'B ORG'] }],
      "a.jsonl:1: the tag of word 2 is 'B ORG'; a tag has no white space.",
    ],
  ])('%s', async (_, rows, message) => {
    expect(await refusal('a.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))).toBe(message)
  })

  test('only the sentences with a mistake, where rows are skipped', async () => {
    const rows = await read('a.conll', 'EU B-ORG\nis\n\nPeter B-PER\n', { on_bad_row: 'skip' })
    expect(seen(rows)).toEqual([{ row: 4, words: ['Peter'], target: 'B-PER' }])
  })
})
