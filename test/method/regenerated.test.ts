import { expect, test } from 'vitest'
import { regeneratedNormals, regeneratedParts } from '../../src/method/intrinsic/regenerated.js'

test.each([0, 1, 2, 3, 5, 8, 13, 16])('a permutation of 2^%i holds every number once', (bits) => {
  const parts = regeneratedParts(7, 'encoder.final_layer_norm.weight', bits)
  const permutation = parts.permutation()
  expect([...permutation].sort((a, b) => a - b)).toEqual(Array.from({ length: 2 ** bits }, (_, i) => i))
})

test('places are uncorrelated with their neighbours and with where they came from', () => {
  const bits = 16
  const length = 2 ** bits
  const places = regeneratedParts(3, 'shared.weight', bits).permutation()
  const centred = Float64Array.from(places, (place) => (place + 0.5) / length - 0.5)
  const correlation = (other: (i: number) => number) =>
    centred.reduce((sum, x, i) => sum + x * other(i), 0) * (12 / length)
  for (const lag of [1, 2, 4, 256]) {
    expect(Math.abs(correlation((i) => centred[(i + lag) % length]!)), `lag ${lag}`).toBeLessThan(5 / Math.sqrt(length))
  }
  expect(Math.abs(correlation((i) => i / length - 0.5))).toBeLessThan(5 / Math.sqrt(length))
})

test('normals have the moments of N(0, 1), and neither neighbours nor streams are correlated', () => {
  const length = 400_000
  const a = regeneratedNormals(length, [1, 2])
  const b = regeneratedNormals(length, [1, 3])
  const mean = (value: (i: number) => number) => a.reduce((sum, _, i) => sum + value(i), 0) / length
  const within = (moment: number, variance: number) => 5 * Math.sqrt(variance / length) + Math.abs(moment) * 1e-4
  // E x^k and the variance of x^k, five standard errors: 0 (1), 1 (2), 0 (15), 3 (96)
  expect(Math.abs(mean((i) => a[i]!))).toBeLessThan(within(0, 1))
  expect(Math.abs(mean((i) => a[i]! ** 2) - 1)).toBeLessThan(within(1, 2))
  expect(Math.abs(mean((i) => a[i]! ** 3))).toBeLessThan(within(0, 15))
  expect(Math.abs(mean((i) => a[i]! ** 4) - 3)).toBeLessThan(within(3, 96))
  expect(Math.abs(mean((i) => a[i]! * a[i ^ 1]!))).toBeLessThan(within(0, 1))
  expect(Math.abs(mean((i) => a[i]! * a[(i + 2) % length]!))).toBeLessThan(within(0, 1))
  expect(Math.abs(mean((i) => a[i]! * b[i]!))).toBeLessThan(within(0, 1))
})

test('a stream can be entered at any even place', () => {
  const whole = regeneratedNormals(1000, [5, 6])
  expect(regeneratedNormals(300, [5, 6], 700)).toEqual(whole.subarray(700))
})

test('seed and tensor tell the parts, and nothing else does', () => {
  const parts = (seed: number, tensor: string) => regeneratedParts(seed, tensor, 6)
  const once = parts(1, 'a')
  expect(once.gaussian()).toEqual(parts(1, 'a').gaussian())
  expect(once.signs(40)).toEqual(parts(1, 'a').signs(40))
  expect(new Set(once.signs(40))).toEqual(new Set([-1, 1]))
  for (const other of [parts(2, 'a'), parts(1, 'b')]) {
    expect(other.gaussian()).not.toEqual(once.gaussian())
    expect(other.permutation()).not.toEqual(once.permutation())
    expect(other.signs(40)).not.toEqual(once.signs(40))
  }
})
