import { describe, expect, test } from 'vitest'
import { SPLITS } from '../../src/base/choices.js'
import { taskOptions } from '../../src/task/options.js'
import { toldAtItsKey } from '../../src/task/rows/misfit.js'
import { heldOutInForce, heldOutNote, splitRows, type Whole, withHeldOut } from '../../src/task/rows/split_rows.js'
import { heldOut } from '../../src/task/rows/splits.js'

const task = (options: object) => taskOptions.parse({ kind: 'classification', name: 'mine', prompt: '{q}', ...options })
const whole = (total: number, groups?: string[]): Whole => ({ total, groups, file: 'rows.csv' })
const sizes = (options: object, of: Whole) =>
  (['train', 'validation'] as const).map(
    (split) => splitRows(task({ split: 'held_out', ...options }), split, of).length,
  )

describe('rows held out of train', () => {
  test.each([
    [5, 1],
    [64, 12],
    [4999, 999],
    [5000, 1000],
    [67349, 1000],
  ])('of %i they are %i by default', (total, validation) => {
    expect(sizes({}, whole(total))).toEqual([total - validation, validation])
    const held = heldOut(total, validation)
    expect(splitRows(task({ split: 'held_out' }), 'validation', whole(total))).toEqual(held.validation)
  })

  test('are as many as task.held_out says', () => {
    expect(sizes({ held_out: 63 }, whole(64))).toEqual([1, 63])
    expect(sizes({ held_out: 3 }, whole(4))).toEqual([1, 3])
  })

  test('are whole groups', () => {
    const groups = ['a', 'a', 'b', 'b', 'b', 'c']
    const validation = splitRows(task({ split: 'held_out', held_out: 1 }), 'validation', whole(6, groups))
    const names = new Set(Array.from(validation, (row) => groups[row]))
    expect(names.size).toBe(1)
    expect(validation.length).toBe(groups.filter((name) => names.has(name)).length)
  })

  test('are reported where neither the experiment nor the paper says how many', () => {
    expect(heldOutNote(task({ split: 'held_out' }), { validation: 12, test: 5 })).toBe(
      "Validation: 12 rows held out of train, a fifth of it (the paper's 1000 take 5000); task.held_out tells another number.",
    )
    for (const [options, rows] of [
      [{ split: 'held_out' }, 1000],
      [{ split: 'held_out', held_out: 12 }, 12],
      [{ split: 'halves' }, 12],
    ] as const)
      expect(heldOutNote(task(options), { validation: rows, test: 5 })).toBeUndefined()
  })

  test('were 1000 in runs that do not say', () => {
    expect(withHeldOut(task({ split: 'held_out' })).held_out).toBe(1000)
    expect(withHeldOut(task({ split: 'held_out', held_out: 7 })).held_out).toBe(7)
    expect(withHeldOut(task({ split: 'halves' }))).not.toHaveProperty('held_out')
  })
})

describe('rows held out of train for validation and for test', () => {
  const both = (options: object, of: Whole) =>
    SPLITS.map((split) => Array.from(splitRows(task({ split: 'both_held_out', ...options }), split, of)))

  test.each([
    [10, 1],
    [64, 6],
    [20_000, 1000],
  ])('of %i they are %i each by default, and every row is in one split', (total, count) => {
    const [train, validation, test] = both({}, whole(total)) as [number[], number[], number[]]
    expect([train.length, validation.length, test.length]).toEqual([total - 2 * count, count, count])
    expect([...train, ...validation, ...test].sort((a, b) => a - b)).toEqual([...Array(total).keys()])
    expect([...validation, ...test]).toEqual(heldOut(total, 2 * count).validation)
  })

  test('are as many as task.held_out says, for each', () => {
    expect(both({ held_out: 31 }, whole(64)).map(({ length }) => length)).toEqual([2, 31, 31])
  })

  test('are whole groups, which share no split', () => {
    const groups = ['a', 'b', 'a', 'c', 'c', 'd', 'd', 'b', 'e', 'e']
    const splits = both({ held_out: 3 }, whole(10, groups))
    expect(splits.map(({ length }) => length)).toEqual([2, 4, 4])
    const names = splits.map((rows) => [...new Set(rows.map((row) => groups[row]))])
    expect(names.flat().sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('are reported, and noted where the same number draws the same rows', () => {
    const grouped = task({ split: 'both_held_out', group: 'question' })
    expect(heldOutNote(grouped, { validation: 12, test: 14 })).toBe(
      '12 rows held out of train for validation and 14 for test: a tenth of it each, at most 1000; task.held_out tells another number.',
    )
    expect(heldOutInForce(grouped, 12)).toEqual({})
    expect(heldOutInForce(task({ split: 'both_held_out' }), 12)).toEqual({ held_out: 12 })
    expect(heldOutNote(task({ split: 'both_held_out', held_out: 12 }), { validation: 12, test: 12 })).toBeUndefined()
  })
})

describe('task.split_seed', () => {
  // torch.randperm(277, …manual_seed(7))[:4] and torch.randperm(64, …manual_seed(7))[:4]
  test('decides which rows halves and held_out take', () => {
    const first = (options: object, total: number) =>
      Array.from(splitRows(task({ split_seed: 7, ...options }), 'validation', whole(total))).slice(0, 4)
    expect(first({ split: 'halves' }, 277)).toEqual([201, 137, 223, 2])
    expect(first({ split: 'held_out' }, 64)).toEqual([47, 14, 15, 18])
  })

  test('is 42 by default, for groups too', () => {
    const groups = Array.from({ length: 30 }, (_, row) => `group ${row % 10}`)
    for (const split of ['halves', 'held_out', 'both_held_out'])
      for (const of of [whole(30), whole(30, groups)]) {
        const rows = (options: object) => splitRows(task({ split, ...options }), 'validation', of)
        expect(rows({})).toEqual(rows({ split_seed: 42 }))
        expect(rows({})).not.toEqual(rows({ split_seed: 7 }))
      }
  })
})

describe('no split is without rows', () => {
  const complaint = (options: object, of: Whole, split: 'train' | 'validation' | 'test') =>
    toldAtItsKey(
      (path) => path.join('.'),
      async () => splitRows(task(options), split, of),
    ).then(
      () => 'no error',
      (error: Error) => error.message,
    )

  test.each<[object, Whole, string]>([
    [
      { split: 'held_out', held_out: 64 },
      whole(64),
      'task.held_out: task.held_out is 64; rows.csv has 64 rows: train would have none. At most 63 can be; by default a fifth is.',
    ],
    [
      { split: 'held_out', held_out: 1 },
      whole(1),
      'task.held_out: task.held_out is 1; rows.csv has 1 row: train would have none. Needed: two rows or more.',
    ],
    [
      { split: 'held_out' },
      whole(4),
      'task.split: task.split is held_out; rows.csv has 4 rows: validation would have none. A fifth is held out: set task.held_out, or give 5 rows or more.',
    ],
    [
      { split: 'held_out' },
      whole(10, Array(10).fill('a')),
      'task.split: task.split is held_out; rows.csv has 10 rows in 1 group: train would have none. Needed: two groups or more.',
    ],
    [
      { split: 'held_out', held_out: 3 },
      whole(4, ['a', 'a', 'b', 'b']),
      'task.held_out: task.held_out is 3; rows.csv has 4 rows in 2 groups: train would have none. Hold out fewer.',
    ],
  ])('held_out: %j of %j', async (options, of, message) => {
    expect(await complaint(options, of, 'train')).toBe(message)
    expect(await complaint(options, of, 'validation')).toBe(message)
    expect(await complaint(options, of, 'test')).toBe('no error')
  })

  test.each<[object, Whole, string]>([
    [{}, whole(9), 'split is both_held_out; rows.csv has 9 rows: validation would have none. A tenth is held out for each: set task.held_out, or give 10 rows or more.'],
    [{}, whole(2), 'split is both_held_out; rows.csv has 2 rows: validation would have none. Needed: three rows or more.'],
    [{ held_out: 5 }, whole(10), 'held_out is 5; rows.csv has 10 rows: train would have none. At most 4 can be; by default a tenth is.'],
    [{ held_out: 9 }, whole(10), 'held_out is 9; rows.csv has 10 rows: train would have none. At most 4 can be; by default a tenth is.'],
    [{ held_out: 1 }, whole(4, ['a', 'a', 'b', 'b']), 'held_out is 1; rows.csv has 4 rows in 2 groups: train would have none. Needed: three groups or more.'],
    [{ held_out: 3 }, whole(6, ['a', 'a', 'b', 'b', 'c', 'c']), 'held_out is 3; rows.csv has 6 rows in 3 groups: train would have none. Hold out fewer.'],
  ])('both_held_out: %j of %j', async (options, of, message) => {
    const key = message.split(' ')[0]
    for (const split of SPLITS)
      expect(await complaint({ split: 'both_held_out', ...options }, of, split)).toBe(`task.${key}: task.${message}`)
  }) // biome-ignore format: a line each

  test.each<[Whole, string]>([
    [whole(1), 'rows.csv has 1 row: validation would have none. Needed: two rows or more.'],
    [whole(1, ['a']), 'rows.csv has 1 row: validation would have none. Needed: two groups or more.'],
    [
      whole(3, ['a', 'a', 'a']),
      'rows.csv has 3 rows in 1 group: validation would have none. Needed: two groups or more.',
    ],
  ])('halves of %j', async (of, message) => {
    for (const split of ['validation', 'test'] as const)
      expect(await complaint({ split: 'halves' }, of, split)).toBe(`task.split: task.split is halves; ${message}`)
    expect(await complaint({ split: 'halves' }, of, 'train')).toBe('no error')
  })
})
