import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/tokenizer.js'
import { randperm } from '../../src/random.js'
import { packageRoot } from '../../src/root.js'
import { evaluationBatches, inMemory, padBatch, trainingPlan } from '../../src/task/batches.js'
import { taskOptions } from '../../src/task/options.js'
import { readSplit } from '../../src/task/source.js'
import { tokenise } from '../../src/task/tokenise.js'

const lengths = Array.from(randperm(1003, 5), (value) => 1 + (value % 97))
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const ascending = (rows: number[]) => rows.toSorted((a, b) => a - b)
const epoch = (plan: ReturnType<typeof trainingPlan>, e: number) =>
  numbers(plan.stepsPerEpoch).map((step) => plan.batch(e * plan.stepsPerEpoch + step))

describe('trainingPlan', () => {
  test.each([
    [1003, 10],
    [1000, 10],
    [7, 10],
    [10, 10],
    [1, 1],
    [5, 1],
  ])('%i rows, batch %i: every row once in each epoch, all batches full but the last', (rows, batchSize) => {
    const plan = trainingPlan(lengths.slice(0, rows), batchSize, 42)
    for (const e of [0, 1, 17]) {
      const batches = epoch(plan, e)
      expect(ascending(batches.flat())).toEqual(numbers(rows))
      for (const batch of batches.slice(0, -1)) expect(batch.length).toBe(batchSize)
      expect(batches.at(-1)!.length).toBe(rows % batchSize || batchSize)
    }
  })

  test('a step has the same rows whatever was asked before', () => {
    const plan = trainingPlan(lengths, 10, 42)
    const inOrder = numbers(350).map((step) => plan.batch(step))
    const shuffled = trainingPlan(lengths, 10, 42)
    for (const step of randperm(350, 1)) expect(shuffled.batch(step)).toEqual(inOrder[step])
  })

  test('epochs and seeds differ in order and in the company that rows keep', () => {
    const plan = trainingPlan(lengths, 10, 42)
    const together = (batches: number[][]) => new Set(batches.map((batch) => ascending(batch).join()))
    const first = together(epoch(plan, 0))
    for (const other of [epoch(plan, 1), epoch(trainingPlan(lengths, 10, 43), 0)]) {
      expect([...together(other)].filter((batch) => first.has(batch)).length).toBeLessThan(5)
    }
  })

  test('short batches do not all come first, and the remainder is not the longest rows', () => {
    const plan = trainingPlan(lengths, 10, 42)
    const means = (e: number) =>
      epoch(plan, e).map((rows) => rows.reduce((sum, row) => sum + lengths[row]!, 0) / rows.length)
    const epochs = numbers(30).map(means)
    const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(Math.abs(average(epochs.map((batches) => batches[0]!)) - 49)).toBeLessThan(26) // 5 standard deviations
    expect(Math.abs(average(epochs.map((batches) => batches.at(-1)!)) - 49)).toBeLessThan(15)
  })
})

describe('evaluationBatches', () => {
  test.each([
    [1003, 64],
    [128, 64],
    [3, 64],
    [1, 1],
  ])('%i rows, batch %i: every row once among the real ones, all batches full, longest first', (rows, batchSize) => {
    const batches = evaluationBatches(lengths.slice(0, rows), batchSize)
    const real = batches.flatMap((batch) => batch.rows.slice(0, batch.real))
    expect(ascending(real)).toEqual(numbers(rows))
    for (const batch of batches) expect(batch.rows.length).toBe(batchSize)
    expect(real.map((row) => lengths[row])).toEqual(real.map((row) => lengths[row]).toSorted((a, b) => b! - a!))
  })

  test('the last batch is filled with its last row', () => {
    expect(evaluationBatches([5, 9, 7, 8, 1], 3)).toEqual([
      { rows: [1, 3, 2], real: 3 },
      { rows: [0, 4, 4], real: 2 },
    ])
  })
})

test('padBatch pads on the right with 0: sources to a multiple of 8, short targets to the longest', () => {
  const source = [[5, 6, 1], [1], [2, 3, 4, 5, 6, 7, 8, 9, 1]].map((ids) => Int32Array.from(ids))
  const target = [[7, 1], [7, 8, 1], [1]].map((ids) => Int32Array.from(ids))
  expect(padBatch(inMemory({ source, target }), [2, 0])).toEqual({
    rows: [2, 0],
    sourceIds: Int32Array.from([
      2, 3, 4, 5, 6, 7, 8, 9, 1, 0, 0, 0, 0, 0, 0, 0, 5, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]),
    targetIds: Int32Array.from([1, 0, 7, 1]),
    size: 2,
    sourceLength: 16,
    targetLength: 2,
  })
  expect(padBatch(inMemory({ source, target }), [0, 1])).toMatchObject({ sourceLength: 8, targetLength: 3 })
})

test('on rotten-tomatoes at batch 32 little is padding, and shapes are few', async () => {
  const file = join(packageRoot, 'configs/tasks/rotten-tomatoes/train.jsonl')
  const options = taskOptions.parse({
    kind: 'classification',
    name: 'r',
    train: file,
    validation: file,
    test: file,
    prompt: 'sentence: {text}',
  })
  const tokenizer = await loadTokenizer(join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json'))
  const tokenised = await tokenise(await readSplit(options, 'train'), tokenizer, { source: 128, target: 8 })
  const sources = tokenised.source.map((ids) => ids.length)
  const plan = trainingPlan(sources, 32, 42)
  const random = randperm(sources.length, 42)
  const grouped = numbers(plan.stepsPerEpoch).map((step) => padBatch(inMemory(tokenised), plan.batch(step)))
  const unsorted = numbers(plan.stepsPerEpoch).map((step) =>
    padBatch(inMemory(tokenised), [...random.subarray(32 * step, 32 * step + 32)]),
  )
  const padding = (batches: typeof grouped) => {
    const ids = batches.reduce((sum, batch) => sum + batch.sourceIds.length, 0)
    return 1 - sources.reduce((sum, length) => sum + length, 0) / ids
  }
  expect(padding(grouped)).toBeCloseTo(0.1248, 4)
  expect(padding(unsorted)).toBeCloseTo(0.5111, 4)
  expect(new Set(grouped.map((batch) => batch.sourceLength)).size).toBe(10)
})
