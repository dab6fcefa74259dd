import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/root.js'
import { type GlueName, readGlue, similarity } from '../../src/task/glue.js'
import type { Example, Split } from '../../src/task/rows.js'

const data = join(packageRoot, '../shared/data/glue')
const folder = mkdtempSync(join(tmpdir(), 'compacter-glue-'))
afterAll(() => rmSync(folder, { recursive: true }))

const OFFICIAL = { cola: 'CoLA', sst2: 'SST-2', mrpc: 'MRPC', stsb: 'STS-B', rte: 'RTE', mnli: 'MNLI' } as const

// expected: test/oracle/glue.py, Python's csv module and NumPy's MT19937
type Digests = Record<keyof typeof OFFICIAL, Partial<Record<Split, { rows: number; sha256: string }>>>
const expected: Digests = JSON.parse(readFileSync(new URL('../fixtures/glue.json', import.meta.url), 'utf8'))

function digest(examples: Example[]): { rows: number; sha256: string } {
  const hash = createHash('sha256')
  for (const { source, target } of examples) hash.update(`${source}\t${target}\n`)
  return { rows: examples.length, sha256: hash.digest('hex') }
}

const missing = existsSync(data) ? '' : ' (skipped: the official files are not in ../shared/data/glue)'

describe.skipIf(missing)(`official files${missing}`, () => {
  const cases = Object.entries(expected).flatMap(([name, splits]) =>
    Object.entries(splits).map(([split, wanted]) => ({ name, split, ...wanted }) as const),
  )
  test.each(cases)('$name $split: the $rows rows, targets and order of the oracle', ({ name, split, ...wanted }) => {
    const official = OFFICIAL[name as keyof typeof OFFICIAL]
    expect(digest(readGlue(name as GlueName, join(data, official), split as Split))).toEqual(wanted)
  })
})

test('MRPC: the byte-order mark and unbalanced quotes of the official file', () => {
  const header = '\uFEFFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n'
  writeFileSync(join(folder, 'train.tsv'), `${header}1\t5\t6\t"open\tHe said "no"\n`)
  expect(readGlue('mrpc', folder, 'train')).toEqual([
    { row: 2, source: 'sentence1: "open sentence2: He said "no"', target: '1', label: '1' },
  ])
})

test('an unknown label names its line and the labels', () => {
  writeFileSync(join(folder, 'train.tsv'), 'index\tsentence1\tsentence2\tlabel\n0\ta\tb\tmaybe\n')
  expect(() => readGlue('rte', folder, 'train')).toThrow(
    `${folder}/train.tsv:2: the label is 'maybe'; labels are entailment, not_entailment.`,
  )
})

test('a folder without the official files says which one is missing', () => {
  expect(() => readGlue('mnli', folder, 'test')).toThrow(
    `${folder}: dev_matched.tsv is not in this folder. It must hold the official files of the task.`,
  )
})

// f'{float(np.round(np.float32(score) * np.float32(5))) / 5:.1f}'
test.each([
  ['5.000', '5.0'],
  ['2.5', '2.4'],
  ['0.1', '0.0'],
  ['0.3', '0.4'],
  ['4.1', '4.0'],
  ['3.3', '3.2'],
  ['3.25', '3.2'],
  ['1.111', '1.2'],
])('similarity %s is learnt as %s', (score, target) => {
  expect(similarity(score)).toBe(target)
})
