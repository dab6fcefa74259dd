import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { benchmarkNames, officialRows } from '../../../src/task/benchmark/official.js'
import { collect } from '../collect.js'
import { archive, failure, fixtures, hub, rowsOf, valuesOf } from './files.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-benchmark-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each(benchmarkNames())('%s: the official files and the hub give the same rows in the same order', async (name) => {
  const official = valuesOf(await rowsOf(name, archive(name)))
  expect(official.length).toBeGreaterThan(1)
  expect(official.filter((row) => typeof row === 'string')).toEqual([])
  expect(valuesOf(await rowsOf(name, hub(name)))).toEqual(official)
})

test('the names are those of the presets', () => {
  expect(benchmarkNames().join(' ')).toBe(
    'glue/cola glue/sst2 glue/mrpc glue/stsb glue/qqp glue/mnli glue/qnli glue/rte glue/wnli superglue/boolq superglue/cb superglue/copa superglue/multirc superglue/wic superglue/wsc superglue/rte superglue/record',
  )
})

test('CoLA has no header, and a quote is a character', async () => {
  expect((await rowsOf('glue/cola', archive('glue/cola')))[0]).toEqual({
    line: 1,
    values: { sentence: 'He said "no', label: '1' },
  })
})

test('MRPC begins with a byte-order mark', async () => {
  expect((await rowsOf('glue/mrpc', archive('glue/mrpc')))[0]).toEqual({
    line: 2,
    values: { sentence1: 'He said "no', sentence2: 'The "end', label: '1' },
  })
})

test('STS-B: a score of 15 digits and a float32 are the same number', async () => {
  const labels = async (path: string) =>
    valuesOf(await rowsOf('glue/stsb', path)).map((row) => (row as Record<string, unknown>).label)
  expect(await labels(archive('glue/stsb'))).toEqual([5, 0, 3.8, 2.4666667, 0.25, 1.533])
  expect(await labels(hub('glue/stsb'))).toEqual([5, 0, 3.8, 2.4666667, 0.25, 1.533])
})

test("QQP: lines that break off are left out, and the others keep their lines' numbers", async () => {
  expect((await rowsOf('glue/qqp', archive('glue/qqp'))).map(({ line }) => line)).toEqual([2, 3, 7, 8, 9, 10])
})

test('two shards are read in order, and their rows numbered on', async () => {
  const { file, files, rows } = await officialRows('glue/sst2', 'train', { path: hub('glue/sst2') })
  expect(file).toBe(join(fixtures, 'hub/glue/sst2/train-*.parquet'))
  expect(files.map((each) => each.slice(fixtures.length))).toEqual([
    '/hub/glue/sst2/train-00000-of-00002.parquet',
    '/hub/glue/sst2/train-00001-of-00002.parquet',
  ])
  expect((await collect(rows())).map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6])
})

test('rows can be read twice', async () => {
  const { rows } = await officialRows('superglue/cb', 'train', { path: archive('superglue/cb') })
  expect(await collect(rows())).toEqual(await collect(rows()))
})

test('MNLI: validation is the mismatched set, test the matched one', async () => {
  for (const path of [archive('glue/mnli'), hub('glue/mnli')]) {
    expect((await officialRows('glue/mnli', 'validation', { path })).file).toMatch(/(dev|validation)_mismatched/)
    expect((await officialRows('glue/mnli', 'test', { path })).file).toMatch(/(dev|validation)_matched/)
  }
})

test("MNLI as JSON lines under the hub's names, and as one document", async () => {
  const row = { premise: 'a', hypothesis: 'b', label: 1, gold_label: 'neutral', idx: 0 }
  writeFileSync(join(folder, 'dev_matched.jsonl'), `${JSON.stringify(row)}\n`)
  writeFileSync(
    join(folder, 'train.json'),
    JSON.stringify({ 0: { text_a: 'a', text_b: 'b', label: 'neutral' }, 1: 'c' }),
  )
  const values = { premise: 'a', hypothesis: 'b', label: '1' }
  expect(await rowsOf('glue/mnli', folder, 'test')).toEqual([{ line: 1, values }])
  expect(await rowsOf('glue/mnli', folder)).toEqual([
    { line: 1, values },
    { line: 2, problem: 'the entry is not a JSON object.' },
  ])
})

describe('problems', () => {
  const write = (name: string, text: string) => {
    const own = mkdtempSync(join(folder, 'case-'))
    writeFileSync(join(own, name), text)
    return own
  }

  test.each([
    [
      'glue/rte',
      'train.tsv',
      'index\tsentence1\tsentence2\tlabel\n0\ta\tb\tmaybe\n',
      2,
      "the label is 'maybe'; labels are entailment, not_entailment.",
    ],
    [
      'glue/cola',
      'train.tsv',
      'gj04\t1\tno sentence\n',
      1,
      'the line has 3 values, there are 4 columns. A value holds no tab, and quotes do not group.',
    ],
    [
      'glue/stsb',
      'train.jsonl',
      '{"sentence1":"a","sentence2":"b","score":"5.5"}\n',
      1,
      "the score is '5.5'; a number from 0 to 5 is needed.",
    ],
    [
      'superglue/boolq',
      'train.jsonl',
      '{"question":7,"passage":"b","label":true}\n',
      1,
      "column 'question' is not text.",
    ],
    [
      'superglue/cb',
      'train.jsonl',
      '{"premise":"a","hypothesis":"b","label":3}\n',
      1,
      "the label is '3'; labels are entailment, contradiction, neutral.",
    ],
    ['superglue/multirc', 'train.jsonl', '{"idx":0,"passage":{"text":"a"}}\n', 1, "column 'passage' has no questions."],
    ['superglue/record', 'train.jsonl', '{"passage":{"text":"a"},"qas":[]}\n', 1, "column 'passage' has no entities."],
  ])('%s %s %j', async (name, file, text, line, problem) => {
    expect(await rowsOf(name, write(file, text))).toEqual([{ line, problem }])
  })

  test.each([
    ['glue/rte', 'train.tsv', 'index\tsentence1\tlabel\n0\ta\tentailment\n', 'sentence2', 'index, sentence1, label'],
    ['superglue/boolq', 'train.jsonl', '{"question":"a","passage":"b"}\n', 'label', 'question, passage'],
    ['superglue/multirc', 'train.jsonl', '{"idx":0}\n', 'passage', 'idx'],
    ['superglue/record', 'train.jsonl', '{"idx":0,"qas":[]}\n', 'passage', 'idx, qas'],
    [
      'superglue/wsc',
      'train.jsonl',
      '{"text":"a","target":{"span1_text":"a"},"label":true}\n',
      'span1_index',
      'text, target, label',
    ],
  ])('%s: a column that not even the first row has', async (name, file, text, column, columns) => {
    const own = write(file, text)
    expect(await failure(rowsOf(name, own))).toBe(
      `TaskMisfit: ${own}/${file}: there is no column '${column}' in this file. task.path must be a folder with the official files of ${name}. Columns: ${columns}.`,
    )
  })

  test("a parquet file of something else lacks the benchmark's columns", async () => {
    const own = mkdtempSync(join(folder, 'case-'))
    copyFileSync(join(fixtures, 'hub/glue/cola/train-00000-of-00001.parquet'), join(own, 'train.parquet'))
    expect(await failure(rowsOf('glue/rte', own))).toBe(
      `UserError: ${own}/train.parquet: has no column 'sentence1'. Columns: sentence, label, idx.`,
    )
  })

  test('a shard that is missing makes the others useless', async () => {
    const own = mkdtempSync(join(folder, 'case-'))
    copyFileSync(
      join(fixtures, 'hub/glue/sst2/train-00001-of-00002.parquet'),
      join(own, 'train-00001-of-00002.parquet'),
    )
    expect(await failure(rowsOf('glue/sst2', own))).toBe(
      `TaskMisfit: ${own}: there is no train.tsv, train.jsonl or train-….parquet in this folder. task.path must hold the official files of glue/sst2, or the hub's.`,
    )
  })

  test('a missing folder, an unknown name, a split without labels', async () => {
    mkdirSync(join(folder, 'empty'))
    expect(await failure(rowsOf('superglue/cb', join(folder, 'empty'), 'validation'))).toBe(
      `TaskMisfit: ${folder}/empty: there is no val.tsv, val.jsonl or validation-….parquet in this folder. task.path must hold the official files of superglue/cb, or the hub's.`,
    )
    expect(await failure(rowsOf('superglue/cb', join(folder, 'none')))).toBe(
      `TaskMisfit: ${folder}/none: there is no such folder. task.path must be a folder with the official files of superglue/cb.`,
    )
    expect(await failure(rowsOf('glue/mprc', folder))).toBe(
      `ExperimentError: glue/mprc: is not a benchmark. Did you mean 'glue/mrpc'? Benchmarks: ${benchmarkNames().join(', ')}.`,
    )
    expect(await failure(rowsOf('glue/rte', folder, 'test'))).toBe(
      "ExperimentError: glue/rte: the labels of its official test set are not public. Set task.split to 'halves' or 'held_out', which make one of the rows with labels.",
    )
  })
})
