import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { codeSpan, escapeMarkdown } from '../../../src/base/text/markdown.js'
import type { ParameterRow } from '../../../src/count/parameters.js'
import { readme } from '../../../src/format/readme/readme.js'
import { lowResourceMarkdown } from '../../../src/report/sweep/low_resource.js'
import { resultsMarkdown } from '../../../src/report/sweep/sweep.js'
import { formatParameters } from '../../../src/report/tables/parameters.js'
import type { Card } from '../../../src/run/card.js'

const EVIL = 'x\n\n# Heading\n<img src=http://x onerror=alert(1)> ![a](http://x) `code` | \x1b[31m'

test('marks in a text are shown, not obeyed', () => {
  expect(escapeMarkdown('a|b_c *d* [e](f) <g> `h` & ~i~ #j \\k {l}')).toBe(
    'a\\|b\\_c \\*d\\* \\[e\\](f) \\<g\\> \\`h\\` &amp; \\~i\\~ \\#j \\\\k \\{l\\}',
  )
  expect(escapeMarkdown(EVIL)).toBe(
    'x \\# Heading \\<img src=http://x onerror=alert(1)\\> !\\[a\\](http://x) \\`code\\` \\| \\\\u001b\\[31m',
  )
})

// CommonMark 0.31, 6.1 Code spans: `` `` foo ` bar `` `` and `` ` `` ` ``.
test.each([
  ['sentence: {text}', '`sentence: {text}`'],
  ['foo ` bar', '`` foo ` bar ``'],
  ['``', '``` `` ```'],
  ['a\n\n# b', '`a # b`'],
  ['<b>', '`<b>`'],
  ['', '`  `'],
])('%j as code is %s', (text, code) => expect(codeSpan(text)).toBe(code))

/** Whether a line holds a mark of the hostile text that would be obeyed. */
const obeyed = (text: string) =>
  text.replace(/(?<!`)(`+)(?!`) .*?(?<!`) \1(?!`)/g, '').match(/^# Heading|(?<!\\)<img|(?<!\\)!\[a|\p{Cc}(?<!\n)/mu)

test('the README of an export', () => {
  const task = { name: EVIL, kind: 'classification', split: 'given', prompt: EVIL }
  const experiment = { name: 'run', backbone: { name: EVIL }, task, method: { kind: 'full' }, training: {} }
  const card = {
    ...{ compacter: '0.1.0', backbone: { name: EVIL, sha256: 'ab' }, task: EVIL },
    ...{ metrics: { test: { [EVIL]: 1 } }, trained_parameters: 5, experiment },
  } as unknown as Card
  const whole = readme(card, 'Load it.\n')
  const [before, metadata, ...rest] = whole.split(/^---\n/m)
  expect([before, parse(metadata!)['model-index'][0].results[0].dataset.name]).toEqual(['', EVIL])
  const text = rest.join('---\n')
  expect(text.split('\n').filter((line) => line.startsWith('#'))).toEqual(['# run', '## Loading'])
  expect(obeyed(text)).toBeNull()
  expect(text).toContain(
    'Sources were written as: `` x # Heading <img src=http://x onerror=alert(1)> ![a](http://x) `code` | \\u001b[31m ``\n',
  )
})

test('tables', () => {
  const cell = { index: 0, name: EVIL, axes: {}, task: EVIL, backbone: EVIL, state: 'failed' as const, reason: EVIL }
  const sweep = {
    name: EVIL,
    folder: 'f',
    axes: [],
    seeds: [],
    summary: [],
    best: [],
    best_cell: [],
    cells: [cell],
    cautions: [EVIL],
  }
  expect(obeyed(resultsMarkdown(sweep))).toBeNull()

  const grid = {
    task: EVIL,
    backbone: EVIL,
    seeds: [0],
    cells: [],
    summary: [],
    failed: [{ run: EVIL, reason: EVIL }],
    cautions: [EVIL],
  }
  expect(obeyed(lowResourceMarkdown(grid as unknown as Parameters<typeof lowResourceMarkdown>[0]))).toBeNull()

  const row = {
    ...{ backbone: EVIL, method: EVIL, changes: [EVIL], options: {}, tasks: 8 },
    ...{ backbone_parameters: 9, head_parameters: null },
    ...{ trained_parameters: 5, share_percent: 1, total_parameters_ratio: 1, checkpoint_bytes: 1, optimizer_bytes: 1 },
    complexity: 'O(d)',
  } as unknown as ParameterRow
  const markdown = formatParameters([row], 'markdown')
  expect(obeyed(markdown)).toBeNull()
  expect(markdown.split('\n').length).toBe(5)
  const latex = formatParameters([row], 'latex').split('\n')
  expect(latex.filter((line) => /^[^%\\]/.test(line)).length).toBe(2) // head and row
})
