import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/files/tokenizer.js'
import { randperm } from '../../src/base/numbers/random.js'
import { packageRoot } from '../../src/base/root.js'
import { seq2seq } from '../../src/objective/seq2seq.js'
import { taskOptions } from '../../src/task/options.js'
import { readSplit } from '../../src/task/rows/source.js'
import { evaluationBatches, inMemory, padBatch, trainingPlan } from '../../src/task/tokens/batches.js'
import { textReader } from '../../src/task/tokens/tokenise.js'

const lengths = Array.from(randperm(1003, 5), (value) => 1 + (value % 97))
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const ascending = (rows: number[]) => rows.toSorted((a, b) => a - b)
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Of each batch the largest share that is in one batch of the other epoch, averaged. */
function meetingAgain(one: number[][], other: number[][]): number {
  const batchOf = new Map(other.flatMap((rows, batch) => rows.map((row) => [row, batch] as const)))
  return mean(
    one.map((rows) => {
      const met = new Map<number, number>()
      for (const row of rows) met.set(batchOf.get(row)!, (met.get(batchOf.get(row)!) ?? 0) + 1)
      return Math.max(...met.values()) / rows.length
    }),
  )
}

const epoch = (plan: ReturnType<typeof trainingPlan>, e: number) =>
  numbers(plan.stepsPerEpoch).map((step) => plan.batch(e * plan.stepsPerEpoch + step))

describe('trainingPlan', () => {
  test.each(
    [
      [1003, 10],
      [1000, 10],
      [7, 10],
      [10, 10],
      [1, 1],
      [5, 1],
    ].flatMap(([rows, batchSize]) => [false, true].map((group) => [rows!, batchSize!, group] as const)),
  )(
    '%i rows, batch %i, grouped %s: every row once in each epoch, all batches full but the last',
    (rows, batchSize, group) => {
      const plan = trainingPlan(lengths.slice(0, rows), batchSize, 42, group)
      for (const e of [0, 1, 17]) {
        const batches = epoch(plan, e)
        expect(ascending(batches.flat())).toEqual(numbers(rows))
        for (const batch of batches.slice(0, -1)) expect(batch.length).toBe(batchSize)
        expect(batches.at(-1)!.length).toBe(rows % batchSize || batchSize)
      }
    },
  )

  test.each([false, true])('a step has the same rows whatever was asked before (grouped %s)', (group) => {
    const plan = trainingPlan(lengths, 10, 42, group)
    const inOrder = numbers(350).map((step) => plan.batch(step))
    const shuffled = trainingPlan(lengths, 10, 42, group)
    for (const step of randperm(350, 1)) expect(shuffled.batch(step)).toEqual(inOrder[step])
  })

  // expected: numpy, the mean over 2000 pairs of permutations a = rng.permutation(n) // 100 of
  // np.mean([np.bincount(a[100 * i : 100 * i + 100]).max() / 100 for i in range(n // 100)])
  describe.each([
    [500, 0.2472],
    [1000, 0.148],
    [4000, 0.0639],
  ])('of %i rows at batch 100', (rows, expected) => {
    const rowLengths = Int32Array.from(randperm(rows, 3), (value) => 5 + (value % 60))
    const shares = (pairs: [number[][], number[][]][]) => mean(pairs.map(([one, other]) => meetingAgain(one, other)))

    test('as many meet again in the next epoch as by chance', () => {
      const plan = trainingPlan(rowLengths, 100, 42)
      const share = shares(numbers(20).map((e) => [epoch(plan, e), epoch(plan, e + 1)]))
      expect(Math.abs(share - expected), `share ${share}`).toBeLessThan(0.01)
    })

    test('as many meet again with another seed as by chance', () => {
      const first = (seed: number) => epoch(trainingPlan(rowLengths, 100, seed), 0)
      const share = shares(numbers(20).map((seed) => [first(seed), first(seed + 1)]))
      expect(Math.abs(share - expected), `share ${share}`).toBeLessThan(0.01)
    })
  })

  test('labels that go with length are spread over batches as by chance', () => {
    const [rows, batchSize] = [4000, 100]
    const rowLengths = Int32Array.from(randperm(rows, 3), (value) => 5 + (value % 60))
    const isLong = (row: number) => (rowLengths[row]! >= 35 ? 1 : 0) // the label
    const p = mean(numbers(rows).map(isLong))
    const plan = trainingPlan(rowLengths, batchSize, 42)
    const shares = numbers(20).flatMap((e) => epoch(plan, e).map((batch) => mean(batch.map(isLong))))
    // the variance of a hypergeometric share, which 800 batches show to 5 %; a share's deviation is 0.049
    const variance = ((p * (1 - p)) / batchSize) * ((rows - batchSize) / (rows - 1))
    const ratio = mean(shares.map((share) => (share - p) ** 2)) / variance
    expect(ratio).toBeGreaterThan(0.8)
    expect(ratio).toBeLessThan(1.2)
    expect(Math.min(...shares)).toBeGreaterThan(0.28)
    expect(Math.max(...shares)).toBeLessThan(0.72)
  })

  describe('grouped by length', () => {
    const rowLengths = Int32Array.from(randperm(4000, 3), (value) => 5 + (value % 60))

    test('keeps rows of like length together, and few of them meet again', () => {
      const [random, grouped] = [false, true].map((group) => trainingPlan(rowLengths, 100, 42, group))
      const range = (batch: number[]) => {
        const own = batch.map((row) => rowLengths[row]!)
        return Math.max(...own) - Math.min(...own)
      }
      expect(mean(epoch(random!, 0).map(range))).toBeGreaterThan(57)
      expect(mean(epoch(grouped!, 0).map(range))).toBeLessThan(20) // a window is 4 batches: a quarter of 60 each
      const share = meetingAgain(epoch(grouped!, 0), epoch(grouped!, 1))
      expect(share).toBeGreaterThan(0.1)
      expect(share).toBeLessThan(0.2) // 0.72 where a window was the whole epoch
    })

    test('is random where an epoch has fewer than 20 steps', () => {
      const plan = (rows: number, group: boolean) => trainingPlan(rowLengths.subarray(0, rows), 100, 42, group)
      expect(plan(1900, true).order).toBe('random')
      expect(epoch(plan(1900, true), 3)).toEqual(epoch(plan(1900, false), 3))
      expect(plan(2000, true).order).toBe('grouped_by_length')
      expect(plan(2000, false).order).toBe('random')
    })

    test('short batches do not all come first, and the remainder is not the longest rows', () => {
      const plan = trainingPlan(lengths, 10, 42, true)
      const means = (e: number) => epoch(plan, e).map((rows) => mean(rows.map((row) => lengths[row]!)))
      const epochs = numbers(30).map(means)
      expect(Math.abs(mean(epochs.map((batches) => batches[0]!)) - 49)).toBeLessThan(26) // 5 standard deviations
      expect(Math.abs(mean(epochs.map((batches) => batches.at(-1)!)) - 49)).toBeLessThan(15)
    })
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

test('padBatch pads on the right with the padding id, whatever ids the rows hold: sources to a multiple of 8, short targets to the longest', () => {
  const source = [[5, 7, 1], [1], [2, 3, 4, 5, 6, 7, 8, 9, 1]].map((ids) => Int32Array.from(ids))
  const target = [[7, 1], [7, 8, 1], [1]].map((ids) => Int32Array.from(ids))
  expect(padBatch(inMemory({ source, target }), [2, 0], 7)).toEqual({
    objective: seq2seq,
    rows: [2, 0],
    size: 2,
    lengths: { source: 16, target: 2 },
    inputs: {
      source: Int32Array.from([
        2, 3, 4, 5, 6, 7, 8, 9, 1, 7, 7, 7, 7, 7, 7, 7, 5, 7, 1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
      ]),
      source_mask: Int32Array.from([
        1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      ]),
      target: Int32Array.from([1, 7, 7, 1]),
      target_mask: Int32Array.from([1, 0, 1, 1]),
    },
  })
  expect(padBatch(inMemory({ source, target }), [0, 1], 7)).toMatchObject({ lengths: { source: 8, target: 3 } })
})

test('on rotten-tomatoes at batch 32 half is padding, little where rows are grouped by length, and shapes are few', async () => {
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
  const reader = textReader(tokenizer, { source: 128, target: 8 })
  const tokenised = await reader.read(await readSplit(options, 'train'))
  const sources = tokenised.source.map((ids) => ids.length)
  const batches = (group: boolean) => {
    const plan = trainingPlan(sources, 32, 42, group)
    return epoch(plan, 0).map((rows) => padBatch(inMemory(tokenised), rows, 0))
  }
  const [random, grouped] = [batches(false), batches(true)]
  const padding = (batches: typeof grouped) => {
    const ids = batches.reduce((sum, batch) => sum + batch.inputs.source.length, 0)
    return 1 - sources.reduce((sum, length) => sum + length, 0) / ids
  }
  expect(padding(random)).toBeCloseTo(0.5115, 4)
  expect(padding(grouped)).toBeCloseTo(0.139, 4)
  expect(new Set(grouped.map((batch) => batch.lengths.source)).size).toBe(11)
})
