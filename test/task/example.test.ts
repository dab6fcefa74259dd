import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { randperm } from '../../src/base/numbers/random.js'
import { exampleOf, rounded } from '../../src/task/example.js'
import { confusionMatrix } from '../../src/task/metrics/confusion.js'
import { type TaskOptions, taskOptions } from '../../src/task/options.js'
import { checkHead } from '../../src/task/rows/rows.js'
import { examplesOf, readSplit, sourceOf } from '../../src/task/rows/source.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-example-'))
afterAll(() => rmSync(folder, { recursive: true }))

function task(kind: string, options: object): TaskOptions {
  return taskOptions.parse({ kind, name: 'mine', prompt: 'q: {q}', ...options })
}

describe('regression', () => {
  const similarity = task('regression', { label: 'score' })

  // T5's preprocessing in numpy: "%.1f" % (np.round((score * 5).astype(np.float32), decimals=0) / 5)
  test.each([
    [0, '0.0'],
    [0.1, '0.0'],
    [0.3, '0.4'],
    [2.5, '2.4'],
    [2.75, '2.8'],
    [4.9, '4.8'],
    [5, '5.0'],
  ])('%d becomes %s, halves to the even multiple', (score, target) => {
    expect(exampleOf(similarity, { q: 'x', score })).toEqual({ source: 'q: x', target, label: String(score) })
  })

  test('a step of one’s own sets the decimals', () => {
    expect([rounded(2.71, 0.1), rounded(-7, 5), rounded(1e4, 1)]).toEqual(['2.7', '-5', '10000'])
  })

  test('a label that is not a number', () => {
    expect(exampleOf(similarity, { q: 'x', score: 'high' })).toEqual({
      problem: "column 'score' is 'high', which is not a number.",
    })
    expect(exampleOf(similarity, { q: 'x', score: 'Infinity' })).toHaveProperty('problem')
  })
})

describe('text', () => {
  test('a target, and answers where the task names a column of them', () => {
    const plain = task('text', { target: 'a' })
    expect(exampleOf(plain, { q: 'x', a: 'blue' })).toEqual({ source: 'q: x', target: 'blue', label: '' })
    const several = task('text', { target: 'a', answers: 'all' })
    expect(exampleOf(several, { q: 'x', a: 'blue', all: ['blue', 7] })).toMatchObject({ answers: ['blue', '7'] })
    expect(exampleOf(several, { q: 'x', a: 'blue', all: [] })).toEqual({
      problem: "column 'all' is an empty list.",
    })
    expect(exampleOf(several, { q: 'x', a: 'blue', all: 'blue' })).toEqual({
      problem: "column 'all' is not a list of texts.",
    })
  })

  test('a list in a prompt is its values with commas between', () => {
    expect(exampleOf(task('text', { target: 'a' }), { q: ['Paris', 'Rome', 3], a: 'x' })).toMatchObject({
      source: 'q: Paris, Rome, 3',
    })
  })
})

test('each_answer: a training row for each answer, drawn after the split; elsewhere a row is one', async () => {
  const file = join(folder, 'answers.jsonl')
  const lines = Array.from({ length: 1003 }, (_, i) =>
    JSON.stringify({ q: i, target: 'a', answers: i % 2 ? ['a', 'b'] : ['c'] }),
  )
  writeFileSync(file, lines.join('\n'))
  const each = task('text', {
    train: file,
    test: file,
    split: 'held_out',
    held_out: 1000,
    answers: 'answers',
    each_answer: true,
  })
  const [train, validation] = [await readSplit(each, 'train'), await readSplit(each, 'validation')]
  const left = [...randperm(1003, 42)].slice(1000)
  expect(train.map(({ source, target }) => [source, target])).toEqual(
    left.flatMap((i) =>
      i % 2
        ? [
            [`q: ${i}`, 'a'],
            [`q: ${i}`, 'b'],
          ]
        : [[`q: ${i}`, 'c']],
    ),
  )
  expect(validation.length).toBe(1000)
  const one = taskOptions.parse({ ...each, subset: { size: 1, seed: 3 } })
  expect((await readSplit(one, 'train'))[0]).toEqual(train[randperm(train.length, 3)[0]!])
})

test('name_first: the name without its benchmark comes before the source', () => {
  const named = task('text', { target: 'a', name: 'glue/rte', name_first: true })
  expect(exampleOf(named, { q: 'x', a: 'y' })).toMatchObject({ source: 'rte q: x' })
})

describe('multiple choice', () => {
  const columns = task('multiple_choice', { choices: ['a', 'b'] })
  const list = task('multiple_choice', { choices: 'options' })

  test('the target is the text of the choice', () => {
    const expected = { source: 'q: x', target: 'no', label: '1', choices: ['yes', 'no'] }
    expect(exampleOf(columns, { q: 'x', a: 'yes', b: 'no', label: 1 })).toEqual(expected)
    expect(exampleOf(list, { q: 'x', options: ['yes', 'no'], label: '1' })).toEqual(expected)
  })

  test('a hundred thousand choices are compared in linear time', () => {
    const options = Array.from({ length: 100_000 }, (_, i) => `a choice of many, number ${i}`)
    const started = process.cpuUsage()
    expect(exampleOf(list, { q: 'x', options, label: 99_999 })).toMatchObject({ target: options.at(-1) })
    expect(exampleOf(list, { q: 'x', options: [...options, `${options.at(-1)} `], label: 1 })).toEqual({
      problem: "the choice 'a choice of many, number 99999' occurs twice.",
    })
    expect(process.cpuUsage(started).user, 'microseconds').toBeLessThan(3e6)
  })

  test.each([2, -1, 'no', '1.0'])('label %j is not a choice', (label) => {
    expect(exampleOf(columns, { q: 'x', a: 'yes', b: 'no', label })).toEqual({
      problem: `column 'label' is '${label}'; the number of a choice is needed, 0 to 1.`,
    })
  })
})

test('on_bad_row: skip leaves the rows out and tells which', async () => {
  const file = join(folder, 'bad.csv')
  writeFileSync(file, 'q,label\na,1\nb\nc,\nd,0\n')
  const skip = task('classification', { train: file, on_bad_row: 'skip' })
  const reports: string[] = []
  const rows: number[] = []
  for await (const { row } of examplesOf(skip, await sourceOf(skip, 'train'), (text) => reports.push(text)))
    rows.push(row)
  expect(rows).toEqual([2, 5])
  expect(reports).toEqual([
    [
      '2 of 4 rows skipped.',
      `${file}:3: the line has 1 value, there are 2 columns. Put quotes around a value that holds a comma.`,
      `${file}:4: column 'label' is empty.`,
    ].join('\n'),
  ])
})

test('on_bad_row: skip does not train on nothing', async () => {
  const file = join(folder, 'none.jsonl')
  writeFileSync(file, '{"q":"a"}\n')
  const skip = task('text', { train: file, on_bad_row: 'skip', prompt: 'x' })
  const rows = async () => {
    for await (const _ of examplesOf(skip, await sourceOf(skip, 'train')));
  }
  await expect(rows()).rejects.toThrow("task.target names the column 'target', which is not in this file.")
})

describe('own files split as the paper splits', () => {
  const lines = (name: string, count: number) => {
    const file = join(folder, name)
    writeFileSync(file, Array.from({ length: count }, (_, i) => JSON.stringify({ q: i, label: i % 2 })).join('\n'))
    return file
  }
  const numbers = (examples: { source: string }[]) => examples.map(({ source }) => Number(source.slice(3)))

  test('halves: validation and test are the two halves of the validation file', async () => {
    const train = lines('train.jsonl', 3)
    const halved = task('classification', { train, validation: lines('validation.jsonl', 277), split: 'halves' })
    const validation = numbers(await readSplit(halved, 'validation'))
    const test = numbers(await readSplit(halved, 'test'))
    expect(validation.slice(0, 4)).toEqual([207, 84, 253, 243]) // torch.randperm(277), seed 42
    expect([validation.length, test.length]).toEqual([138, 139])
    expect(new Set([...validation, ...test]).size).toBe(277)
  })

  test('held_out: 1000 rows of train are validation, the test file is test', async () => {
    const held = task('classification', {
      train: lines('big.jsonl', 1043),
      test: lines('t.jsonl', 5),
      split: 'held_out',
      held_out: 1000,
    })
    expect(numbers(await readSplit(held, 'validation')).slice(0, 4)).toEqual([911, 408, 813, 657]) // randperm(1043)
    expect((await readSplit(held, 'train')).length).toBe(43)
    expect(numbers(await readSplit(held, 'test'))).toEqual([0, 1, 2, 3, 4])
  })

  test('subset: the first of randperm(N, seed), and validation stays whole', async () => {
    const file = lines('s.jsonl', 408)
    const files = { train: file, validation: file, test: file, subset: { size: 4, seed: 42 } }
    const small = task('classification', files)
    expect(numbers(await readSplit(small, 'train'))).toEqual([30, 63, 342, 322]) // torch.randperm(408), seed 42
    expect((await readSplit(small, 'validation')).length).toBe(408)
    const stratified = task('classification', { ...files, subset: { size: 7, seed: 1, stratified: true } })
    const labels = (await readSplit(stratified, 'train')).map(({ label }) => label)
    expect(labels.filter((label) => label === '0').length).toBe(4) // 3.5 each; of equal remainders the first label's
    expect(labels.length).toBe(7)
  })
})

test('checkHead reads no more than the first row', async () => {
  const file = join(folder, 'head.csv')
  writeFileSync(file, 'q,label\na,1\nb\n')
  const source = await sourceOf(task('classification', { train: file }), 'train')
  await expect(checkHead(task('classification', {}), source.file, source.rows())).resolves.toBeUndefined()
})

test('confusionMatrix counts outputs that are not labels separately', () => {
  expect(confusionMatrix(['0', '1 ', 'maybe', '1'], ['0', '0', '1', '1'], ['1', '0'])).toEqual({
    labels: ['0', '1'],
    counts: [
      [1, 1, 0],
      [0, 1, 1],
    ],
  })
})

test('NaN is as null is: a problem of the row, in a list too', () => {
  const plain = task('classification', {})
  expect(exampleOf(plain, { q: 'x', label: Number.NaN })).toEqual({ problem: "column 'label' is NaN." })
  expect(exampleOf(plain, { q: Number.NaN, label: 1 })).toEqual({ problem: "column 'q' is NaN." })
  for (const [held, word] of [
    [Number.NaN, 'NaN'],
    [null, 'null'],
    [['a'], 'a list'],
  ] as const)
    expect(exampleOf(plain, { q: ['x', held], label: 1 })).toEqual({
      problem: `column 'q' is a list that holds ${word}; texts, numbers and booleans are needed.`,
    })
  expect(exampleOf(task('regression', {}), { q: 'x', label: Number.NaN })).toEqual({
    problem: "column 'label' is NaN.",
  })
})

test('confusionMatrix has the labels that no row has', () => {
  expect(confusionMatrix(['2', '0'], ['0', '0'], ['0', '1', '2'])).toEqual({
    labels: ['0', '1', '2'],
    counts: [
      [1, 0, 1, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  })
})
