import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { presetFile, presetNames } from '../../../src/base/presets.js'
import { packageRoot } from '../../../src/base/root.js'
import { benchmarkNames, officialRows } from '../../../src/task/benchmark/official.js'
import { type Example, exampleOf } from '../../../src/task/example.js'
import { type TaskOptions, taskOptions } from '../../../src/task/options.js'
import { readSplit } from '../../../src/task/rows/source.js'
import type { Row } from '../../../src/task/rows/table.js'
import { collect } from '../collect.js'

const data = join(packageRoot, '../shared/data')
const missing = existsSync(data) ? '' : ' (skipped: the official files are not in ../shared/data)'
const folder = mkdtempSync(join(tmpdir(), 'compacter-presets-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Digest {
  rows: number
  labels?: Record<string, number>
  sha256: string
  /** Of the first three rows, each alone. */
  first: string[]
}
type Split = 'train' | 'validation' | 'test'

// expected: test/oracle/benchmarks.py, Python's csv and json modules and NumPy's MT19937
const expected: Record<string, Partial<Record<Split, Digest>>> = JSON.parse(
  readFileSync(new URL('../../fixtures/benchmarks.json', import.meta.url), 'utf8'),
)

function preset(name: string): TaskOptions {
  return taskOptions.parse({ name, ...parse(readFileSync(presetFile('tasks', name)!, 'utf8')) })
}

type Rendered = Pick<Example, 'source' | 'target'>

function rendered(task: TaskOptions, row: Row): Rendered & Partial<Example> {
  if ('problem' in row) throw new Error(`${row.line}: ${row.problem}`)
  const example = exampleOf(task, row.values)
  if ('problem' in example) throw new Error(`${row.line}: ${example.problem}`)
  return example
}

const sha256 = (examples: Rendered[]) =>
  createHash('sha256')
    .update(examples.map(({ source, target }) => `${source}\t${target}\n`).join(''))
    .digest('hex')

function digest(examples: Rendered[]): Required<Digest> {
  const labels: Record<string, number> = {}
  for (const { target } of examples) labels[target] = (labels[target] ?? 0) + 1
  const first = examples.slice(0, 3).map((example) => sha256([example]))
  return { rows: examples.length, labels, sha256: sha256(examples), first }
}

async function examples(task: TaskOptions, split: Split, path: string) {
  const rows = await collect((await officialRows(task.benchmark!, split, { path })).rows())
  return rows.map((row) => rendered(task, row))
}

/** The split as the preset's `split` says, which is the paper's. */
const splitOf = (task: TaskOptions, split: Split, path: string): Promise<Rendered[]> =>
  readSplit({ ...task, path }, split)

test('every benchmark has a preset of its name, and its comment gives the rows', () => {
  expect(presetNames('tasks').filter((name) => name.includes('/'))).toEqual(benchmarkNames().sort())
  for (const name of benchmarkNames()) {
    expect(preset(name).benchmark).toBe(name)
    expect(readFileSync(presetFile('tasks', name)!, 'utf8')).toMatch(
      /^# yaml-language-server: \S+\n# .+\? .*\d+( queries, a row for each of their answers)?( \(\w+\))? \/ \d+( \(\w+\))? \/ \d+( \(\w+\))? rows\.\n# {3}compacter train experiments\/quickstart\.yaml --set task\.preset=\S+\n/,
    )
  }
})

describe.skipIf(missing)(`official files${missing}`, () => {
  /** MNLI's training rows are a sample; all three files in one folder, as a user would put them. */
  function pathOf(name: string): string {
    if (name === 'superglue/record') return join(data, 'superglue/ReCoRD/fewglue')
    if (name !== 'glue/mnli') return join(data, name.split('/')[0]!)
    const mnli = mkdtempSync(join(folder, 'mnli-'))
    copyFileSync(join(data, 'glue/MNLI/subset10k/train.json'), join(mnli, 'train.json'))
    for (const file of ['dev_matched.jsonl', 'dev_mismatched.jsonl']) {
      copyFileSync(join(data, 'glue/MNLI', file), join(mnli, file))
    }
    return mnli
  }

  const cases = Object.entries(expected)
    .filter(([name]) => name !== 'superglue/record')
    .flatMap(([name, splits]) => Object.entries(splits).map(([split, wanted]) => ({ name, split, ...wanted }) as const))

  test.each(cases)("$name $split: the oracle's $rows rows, labels, order and first three prompts", async (each) => {
    const { name, split, ...wanted } = each
    expect(digest(await splitOf(preset(name), split as Split, pathOf(name)))).toEqual(wanted)
  })

  test.each(Object.keys(expected).slice(0, -1))("%s: the file's comment has the counts", (name) => {
    const counts = ['train', 'validation', 'test'].map((split) => expected[name]![split as Split]!.rows)
    if (name === 'glue/mnli') counts[0] = 392702 // the file here is a sample
    const comment = readFileSync(presetFile('tasks', name)!, 'utf8').replaceAll(/ \((mis)?matched\)/g, '')
    expect(comment).toContain(` ${counts.join(' / ')} rows.`)
  })

  test("record: the oracle's 44 training rows of 32 queries, and 32 validation rows with all answers", async () => {
    const task = preset('superglue/record')
    const read = async (split: Split) =>
      collect((await officialRows('superglue/record', split, { path: pathOf(task.name) })).rows())
    const given: TaskOptions = { ...task, split: 'given', path: pathOf(task.name) }
    const train = await readSplit(given, 'train')
    const { labels: _, ...taught } = digest(train)
    expect(taught).toEqual(expected['superglue/record']!.train)
    const validation = (await read('validation')).map((row) => rendered(task, row))
    const { labels: __, ...scored } = digest(
      validation.map(({ source, answers }) => ({ source, target: answers!.join(' | ') })),
    )
    expect(scored).toEqual(expected['superglue/record']!.validation)
  })

  test.each(['cola', 'stsb', 'rte', 'mrpc'])("glue/%s: the hub's parquet has the same rows", async (name) => {
    for (const split of ['train', 'validation'] as const) {
      const [official, hub] = await Promise.all(
        [join(data, 'glue'), join(data, 'hf-parquet')].map((path) => examples(preset(`glue/${name}`), split, path)),
      )
      if (name !== 'mrpc') expect(hub).toEqual(official)
      // The hub's MRPC is cut into words; one official row has a control character more.
      else expect(hub!.map(squeezed)).toEqual(official!.map(squeezed))
    }
  })

  const squeezed = ({ source, target }: Rendered) => [source.replaceAll(/\s/g, '').replaceAll('\x12', ''), target]
})
