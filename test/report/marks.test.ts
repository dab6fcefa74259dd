import { describe, expect, test } from 'vitest'
import { markOf, PALETTES, POINTS } from '../../src/report/tables/marks.js'

type Vector = [number, number, number]
type Matrix = readonly [Vector, Vector, Vector]

const times = (matrix: Matrix, [x, y, z]: Vector): Vector => matrix.map(([a, b, c]) => a * x + b * y + c * z) as Vector

/** Of linear RGB. Machado, Oliveira and Fernandes 2009, severity 1.0. */
const EYES: Record<string, Matrix> = {
  'normal eyes': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

function linear(hex: string): Vector {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

/** Oklab (Ottosson 2020) × 100: a difference of 2 is just noticeable. */
function oklab(rgb: Vector): Vector {
  const lms = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    rgb.map((value) => Math.min(1, Math.max(0, value))) as Vector,
  ).map((value) => 100 * Math.cbrt(value)) as Vector
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    lms,
  )
}

const luminance = ([r, g, b]: Vector) => 0.2126 * r + 0.7152 * g + 0.0722 * b

const pairs = <T>(values: readonly T[]): [T, T][] =>
  values.flatMap((a, i) => values.slice(i + 1).map((b): [T, T] => [a, b]))

describe.each([
  ['light', '#ffffff'],
  ['dark', '#14181d'],
] as const)('the palette for %s paper', (scheme, paper) => {
  test.each(Object.entries(EYES))('is told apart by %s', (_eyes, matrix) => {
    for (const [a, b] of pairs(PALETTES[scheme])) {
      const [x, y] = [a, b].map((colour) => oklab(times(matrix, linear(colour)))) as [Vector, Vector]
      expect(Math.hypot(...x.map((value, i) => value - y[i]!)), `${a} and ${b}`).toBeGreaterThan(11)
    }
  })

  test('is seen on it: a contrast of 3 at least (WCAG 1.4.11)', () => {
    for (const colour of PALETTES[scheme]) {
      const [light, dark] = [colour, paper].map((hex) => luminance(linear(hex)) + 0.05).sort((a, b) => b - a)
      expect(light! / dark!, colour).toBeGreaterThanOrEqual(3)
    }
  })
})

test('no two points of a chart are alike, nor two lines of 32', () => {
  const points = Array.from({ length: POINTS }, (_, i) => markOf(i))
  expect(new Set(points.map(({ colour, shape }) => `${colour} ${shape}`)).size).toBe(64)
  expect(new Set(points.slice(0, 32).map(({ colour, dash }) => `${colour} ${dash}`)).size).toBe(32)
})
