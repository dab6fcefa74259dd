import { describe, expect, test } from 'vitest'
import { randperm } from '../../src/base/numbers/random.js'
import { inMemory, padBatch, trainingPlan } from '../../src/task/tokens/batches.js'
import { type Ladder, ladderOf, paddedLengths, paddingLine, paddingOf, rungs } from '../../src/task/tokens/lengths.js'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Tokens of padding, and of rungs, that a ladder costs. */
function costOf(ladder: number[], counts: Map<number, number>, weight: number, rungCost: number): number {
  let cost = rungCost * ladder.length
  for (const [length, count] of counts) cost += weight * count * (ladder.find((rung) => rung >= length)! - length)
  return cost
}

/** Every choice of the lengths that has the longest. */
function leastOf(counts: Map<number, number>, weight: number, rungCost: number, most: number): number {
  const lengths = [...counts.keys()].sort((a, b) => a - b)
  const choices = numbers(2 ** (lengths.length - 1)).map((bits) => [
    ...lengths.slice(0, -1).filter((_, i) => bits & (1 << i)),
    lengths.at(-1)!,
  ])
  return Math.min(
    ...choices.filter(({ length }) => length <= most).map((choice) => costOf(choice, counts, weight, rungCost)),
  )
}

describe('rungs', () => {
  test.each(numbers(12))('cost no more than any other choice (%i)', (round) => {
    const order = randperm(16, round)
    const counts = new Map(numbers(9).map((i) => [8 * (order[i]! + 1), 1 + (order[15 - i]! ** 2 % 37)]))
    for (const rungCost of [0, 100, 1000, 5000, 1e7])
      for (const most of [1, 3, 6]) {
        const found = rungs(counts, 4, rungCost, most)
        expect(found.length).toBeLessThanOrEqual(most)
        expect(costOf(found, counts, 4, rungCost)).toBe(leastOf(counts, 4, rungCost, most))
      }
  })

  test('are all lengths where a shape costs nothing, and one where it costs too much', () => {
    const counts = new Map([
      [64, 3],
      [16, 11],
      [32, 5],
    ])
    expect(rungs(counts, 32, 0)).toEqual([16, 32, 64])
    expect(rungs(counts, 32, 1e6)).toEqual([64])
    // without 32: 5 batches · 32 rows · 32 tokens = 5120; without 16: 11 · 32 · 16 = 5632
    expect(rungs(counts, 32, 5000)).toEqual([16, 32, 64])
    expect(rungs(counts, 32, 5500)).toEqual([16, 64])
    expect(rungs(new Map(), 32, 4000)).toEqual([])
  })
})

describe('a ladder', () => {
  const source = Int32Array.from(randperm(1003, 5), (value) => 3 + (value % 97))
  const target = Int32Array.from(source, (length) => 2 + (length % 3))
  const lengths = { source, target }
  const plan = trainingPlan(source, 10, 42)
  const tokens = inMemory({
    source: Array.from(source, (length) => new Int32Array(length).fill(5)),
    target: Array.from(target, (length) => new Int32Array(length).fill(6)),
  })

  test('is the same for a run that continues', () => {
    expect(ladderOf(lengths, trainingPlan(source, 10, 42), 10, 700)).toEqual(ladderOf(lengths, plan, 10, 700))
  })

  test('is longer for a longer training', () => {
    const ladder = (steps: number) => ladderOf(lengths, plan, 10, steps).source
    const counts = [1, 20, 200, 2000, 200_000].map((steps) => ladder(steps).length)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect([counts[0], counts.at(-1)]).toEqual([1, 6])
  })

  test.each([50, 700, 20_000])('in %i steps every batch gets one of its shapes, its rows unchanged', (steps) => {
    const ladder = ladderOf(lengths, plan, 10, steps)
    const shapes = new Set<string>()
    for (const step of numbers(Math.min(steps, 505))) {
      const rows = plan.batch(step)
      const batch = padBatch(tokens, rows, 0, ladder)
      shapes.add(`${batch.size}x${batch.lengths.source}x${batch.lengths.target}`)
      for (const [i, row] of rows.entries()) {
        const ids = [...batch.inputs.source.subarray(i * batch.lengths.source, (i + 1) * batch.lengths.source)]
        expect(ids.filter((id) => id === 5).length).toBe(source[row])
        expect(ids.slice(source[row]).every((id) => id === 0)).toBe(true)
      }
    }
    // batches of 10, and the epoch's rest of 3 rows, which is of one shape
    expect(shapes.size).toBeLessThanOrEqual(ladder.source.length * ladder.target.length + 1)
  })

  test('of epochs of few steps has the longest rows, whichever batches they meet', () => {
    for (const seed of numbers(20)) {
      const few = { source: source.subarray(0, 25), target: target.subarray(0, 25) } // an epoch: 10, 10 and 5 rows
      const plan = trainingPlan(few.source, 10, seed)
      const top = ladderOf(few, plan, 10, 60).source.at(-1)
      expect(top).toBe(Math.ceil(Math.max(...few.source) / 8) * 8)
    }
  })

  test('takes whole batches to the next rung, smaller ones to the top, and leaves longer ones unchanged', () => {
    const ladder: Ladder = { batchSize: 10, source: [16, 48], target: [3, 16] }
    expect(paddedLengths(10, 9, 3, ladder)).toEqual({ source: 16, target: 3 })
    expect(paddedLengths(10, 17, 4, ladder)).toEqual({ source: 48, target: 16 })
    expect(paddedLengths(3, 9, 2, ladder)).toEqual({ source: 48, target: 16 })
    expect(paddedLengths(10, 49, 17, ladder)).toEqual({ source: 56, target: 24 })
    expect(paddedLengths(10, 9, 3)).toEqual({ source: 16, target: 3 })
  })

  test('leaves the padding that it is said to leave', () => {
    const steps = 700
    const ladder = ladderOf(lengths, plan, 10, steps)
    const padding = paddingOf(ladder, lengths, plan, steps)
    const batches = numbers(steps).map((step) => padBatch(tokens, plan.batch(step), 0, ladder))
    const share = (ids: Int32Array[]) => {
      const all = ids.flatMap((ids) => [...ids])
      return Math.round((1000 * all.filter((id) => id === 0).length) / all.length) / 10
    }
    expect(padding).toEqual({
      source_lengths: ladder.source,
      target_lengths: ladder.target,
      source_padding_percent: share(batches.map(({ inputs }) => inputs.source)),
      target_padding_percent: share(batches.map(({ inputs }) => inputs.target as Int32Array)),
    })
    const some = { ...padding, source_padding_percent: 12.5, target_padding_percent: 0 }
    const have = `sources have ${ladder.source.length} lengths: ${ladder.source.join(', ')}.`
    expect(paddingLine(some, { decoded: true })).toBe(
      `Padding: 12.5 % of the source tokens and 0 % of the target tokens; ${have}`,
    )
    expect(paddingLine(some, { decoded: false })).toBe(`Padding: 12.5 % of the source tokens; ${have}`)
  })

  test('is undefined where training is eager: lengths are multiples of 8', () => {
    const { source_lengths } = paddingOf(undefined, lengths, trainingPlan(source, 10, 42, true), 700)
    expect(source_lengths).toEqual(numbers(13).map((i) => 8 * (i + 1)))
  })
})
