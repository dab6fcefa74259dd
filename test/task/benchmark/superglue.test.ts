import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { withSentences } from '../../../src/task/benchmark/record.js'
import { markSpans } from '../../../src/task/benchmark/wsc.js'
import { archive, rowsOf, valuesOf } from './files.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-benchmark-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('MultiRC: a row an answer, without markup; answers share their question', async () => {
  const [first, second, third, ...others] = valuesOf(await rowsOf('superglue/multirc', archive('superglue/multirc')))
  const common = { paragraph: 'Sent 1: One 😀. Sent 2: Two.', question: 'Which one?', question_id: '3-7' }
  expect(first).toEqual({ ...common, answer: 'One', label: '1' })
  expect(second).toEqual({ ...common, answer: 'Two', label: '0' })
  expect(third).toMatchObject({ question_id: '3-8', label: '0' })
  expect(others).toHaveLength(2)
})

test('COPA asks for the cause or the effect', async () => {
  const rows = valuesOf(await rowsOf('superglue/copa', archive('superglue/copa')))
  expect(rows.map((row) => (row as Record<string, unknown>).question)).toEqual([
    'cause',
    'effect',
    'cause',
    'effect',
    'cause',
    'effect',
  ])
})

describe('ReCoRD', () => {
  test('a row a query; entities and answers once each, by code point; offsets count code points', async () => {
    const rows = await rowsOf('superglue/record', archive('superglue/record'))
    const common = {
      passage: '😀 Ann met Bob in Rome. Ann is from Oslo. Bob "left" The end',
      entities: ['Ann', 'Bob', 'Oslo', 'Rome'],
    }
    expect(rows).toEqual([
      { line: 1, values: { ...common, query: '@placeholder flew', answers: ['Ann', 'Rome'], answer: 'Ann' } },
      { line: 1, values: { ...common, query: 'Then @placeholder', answers: ['Bob'], answer: 'Bob' } },
    ])
  })

  test.each([
    ['One.\n@highlight\nTwo', 'One. Two'],
    ['One\n@highlight\nTwo!\n@highlight\nThree', 'One. Two! Three'],
    ["'One'\n@highlight\n\n@highlight\nTwo", "'One' . Two"],
    ['No @highlight here', 'No @highlight here'],
  ])('highlights: %j', (passage, expected) => {
    expect(withSentences(passage)).toBe(expected)
  })

  test('a query without answers is a row with a problem', async () => {
    const passage = { text: 'Ann', entities: [{ start: 0, end: 2 }] }
    writeFileSync(join(folder, 'val.jsonl'), `${JSON.stringify({ passage, qas: [{ query: 'q', idx: 0 }], idx: 0 })}\n`)
    expect(await rowsOf('superglue/record', folder, 'validation')).toEqual([
      { line: 1, problem: 'there is no answer.' },
    ])
  })
})

describe('WSC', () => {
  test('marks both spans', async () => {
    expect(valuesOf(await rowsOf('superglue/wsc', archive('superglue/wsc')))).toEqual([
      {
        text: 'Mark told Pete many lies about himself, which Pete included in his book. He should have been more truthful.',
        span1_text: 'Mark',
        span1_index: 0,
        span2_text: 'He',
        span2_index: 13,
        marked_text:
          '* Mark * told Pete many lies about himself, which Pete included in his book. # He # should have been more truthful.',
        label: '0',
      },
      {
        text: 'The dog chased the cat, which ran up a tree. It waited at the bottom.',
        span1_text: 'The dog',
        span1_index: 0,
        span2_text: 'It',
        span2_index: 10,
        marked_text: '* The dog * chased the cat, which ran up a tree. # It # waited at the bottom.',
        label: '1',
      },
    ])
  })

  const marked = (text: string, ...[a, i, b, j]: [string, number, string, number]) =>
    markSpans(text, [
      { text: a, word: i, mark: '*' },
      { text: b, word: j, mark: '#' },
    ])

  test.each([
    ['the pronoun first', 'When he came, Tom sat.', ['Tom', 3, 'he', 1], 'When # he # came, * Tom * sat.'],
    ['punctuation stays outside', 'Ann, who left, saw her.', ['Ann', 0, 'her', 4], '* Ann *, who left, saw # her #.'],
    ['a genitive', "Ann's cat saw it.", ['Ann', 0, 'it', 3], "* Ann *'s cat saw # it #."],
    [
      'not inside of a word',
      'The theme is the end, it is.',
      ['the end', 3, 'it', 5],
      'The theme is * the end *, # it # is.',
    ],
    ['the nearest of several', 'it saw it and it left', ['it', 4, 'it', 0], '# it # saw it and * it * left'],
    [
      "other case, last full stop, line break in the span's text",
      'So the old man sat; he slept.',
      ['The old\nman.', 1, 'he', 5],
      'So * the old man * sat; # he # slept.',
    ],
    [
      'an index that is off',
      'Two  spaces make Ann late, she ran.',
      ['Ann', 4, 'she', 6],
      'Two  spaces make * Ann * late, # she # ran.',
    ],
    [
      'signs of regular expressions',
      'The man (1.5) and $x saw (him).',
      ['(1.5)', 2, 'him', 6],
      'The man * (1.5) * and $x saw (# him #).',
    ],
    ['a span that is nowhere', 'A, with B, saw him.', ['A and B', 0, 'him', 4], 'A, with B, saw # him #.'],
    [
      'one span in the other',
      'The man who said he left.',
      ['The man who said he', 0, 'he', 4],
      '* The man who said # he # * left.',
    ],
  ] as const)('%s', (_, text, spans, expected) => {
    expect(marked(text, ...(spans as unknown as [string, number, string, number]))).toBe(expected)
  })
})
