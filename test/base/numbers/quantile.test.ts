import { expect, test } from 'vitest'
import { median, quantile } from '../../../src/base/numbers/quantile.js'

test('quantiles lie between ranks, as numpy.quantile has them', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75)
  expect(quantile([10, 20, 40], 0.75)).toBe(30)
  expect(quantile([7], 0.75)).toBe(7)
})

test('a median is the number in the middle, or the mean of the two that are', () => {
  expect(median([9, 1, 2])).toBe(2)
  expect(median([9, 1, 2, 4])).toBe(3)
})
