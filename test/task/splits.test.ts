import { describe, expect, test } from 'vitest'
import { groupedHalves, groupedHeldOut, halves, heldOut } from '../../src/task/rows/splits.js'

const sorted = (rows: number[]) => rows.toSorted((a, b) => a - b)
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('halves', () => {
  // torch.randperm(408, generator=torch.Generator().manual_seed(42)); sizes as in reference.md: p[:N//2], p[N//2:]
  test.each([
    [408, 204, 204],
    [1043, 521, 522],
    [277, 138, 139],
    [1, 0, 1],
  ])('%i rows become %i and %i, each row once', (rows, validation, test) => {
    const split = halves(rows)
    expect([split.validation.length, split.test.length]).toEqual([validation, test])
    expect(sorted([...split.validation, ...split.test])).toEqual(numbers(rows))
  })

  test('validation starts with the rows that PyTorch draws', () => {
    expect(halves(277).validation.slice(0, 4)).toEqual([207, 84, 253, 243])
  })
})

test('heldOut: the first 1000 drawn rows of SST-2 are validation', () => {
  const { train, validation } = heldOut(67349, 1000)
  expect(validation.slice(0, 4)).toEqual([6677, 49712, 38268, 32909])
  expect([validation.length, train.length]).toEqual([1000, 66349])
  expect(Int32Array.from([...train, ...validation]).sort()).toEqual(Int32Array.from(numbers(67349)))
})

test('groupedHalves: a question’s rows stay together and in order, every row once', () => {
  const groups = numbers(900).map((row) => `question ${(row * 7) % 277}`)
  const { validation, test } = groupedHalves(groups)
  expect(sorted([...validation, ...test])).toEqual(numbers(900))
  const questions = (rows: number[]) => [...new Set(rows.map((row) => groups[row]!))]
  expect(questions(validation).length).toBe(138)
  expect(questions(validation).filter((question) => questions(test).includes(question))).toEqual([])
  // the group of the first row is number 0: with 277 groups validation starts with groups 207, 84, 253
  expect(questions(validation).slice(0, 3)).toEqual([207, 84, 253].map((group) => groups[group]))
})

test('groupedHeldOut: whole questions are drawn until there are enough rows', () => {
  const groups = numbers(900).map((row) => `question ${(row * 7) % 277}`)
  const { train, validation } = groupedHeldOut(groups, 9)
  expect(sorted([...train, ...validation])).toEqual(numbers(900))
  // of 277 groups the first drawn are 207, 84, 253; the first 69 groups have 4 rows, the others 3
  const drawn = [207, 84, 253].map((group) => groups[group])
  expect(validation).toEqual(drawn.flatMap((name) => numbers(900).filter((row) => groups[row] === name)))
  expect(groupedHeldOut(groups, validation.length)).toEqual({ train, validation })
})
