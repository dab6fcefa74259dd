import { describe, expect, test } from 'vitest'
import { toldAtItsKey } from '../../src/task/misfit.js'
import { taskOptions } from '../../src/task/options.js'
import { heldOutNote, splitRows, type Whole, withHeldOut } from '../../src/task/split_rows.js'
import { heldOut } from '../../src/task/splits.js'

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

  test('are told of where neither the experiment nor the paper says how many', () => {
    expect(heldOutNote(task({ split: 'held_out' }), 12)).toBe(
      "Validation: 12 rows held out of train, a fifth of it (the paper's 1000 take 5000); task.held_out tells another number.",
    )
    for (const [options, rows] of [
      [{ split: 'held_out' }, 1000],
      [{ split: 'held_out', held_out: 12 }, 12],
      [{ split: 'halves' }, 12],
    ] as const)
      expect(heldOutNote(task(options), rows)).toBeUndefined()
  })

  test('were 1000 in runs that do not say', () => {
    expect(withHeldOut(task({ split: 'held_out' })).held_out).toBe(1000)
    expect(withHeldOut(task({ split: 'held_out', held_out: 7 })).held_out).toBe(7)
    expect(withHeldOut(task({ split: 'halves' }))).not.toHaveProperty('held_out')
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

  test('is 42 unless told, of groups too', () => {
    const groups = Array.from({ length: 30 }, (_, row) => `group ${row % 10}`)
    for (const split of ['halves', 'held_out'])
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
