import { expect, test } from 'vitest'
import { normalQuantile, tQuantile, twoSidedT } from '../../src/statistics/distributions.js'
import { holm } from '../../src/statistics/holm.js'
import { fewestDiscordant, mcnemar } from '../../src/statistics/mcnemar.js'
import { fixture } from './fixture.js'

// expected: test/oracle/paired.py, scipy and statsmodels

/** Relative, so that the smallest p-values count too. */
const expectClose = (value: number, expected: number, relative: number, what: unknown) =>
  expect(Math.abs(value - expected), `${JSON.stringify(what)}: ${value}, not ${expected}`).toBeLessThanOrEqual(
    relative * Math.abs(expected),
  )

test("McNemar's p-values are statsmodels', from no discordant pair to thousands", () => {
  expect(fixture.mcnemar.length).toBeGreaterThan(30)
  for (const { pair, exact, mid } of fixture.mcnemar) {
    const found = mcnemar(...pair)
    expectClose(found.exact, exact, 1e-9, pair)
    expectClose(found.mid, mid, 1e-9, pair)
  }
})

test('thousands of pairs in one direction have the smallest p-value there is, not a wrong one', () => {
  expect(mcnemar(0, 2000)).toEqual({ exact: 0, mid: 0 })
  expectClose(mcnemar(0, 1000).exact, 2 ** -999, 1e-9, 1000)
})

test('six discordant pairs are the fewest that reject at 0.05, eight at 0.01', () => {
  expect(fewestDiscordant(0.05)).toBe(6)
  expect(fewestDiscordant(0.01)).toBe(8)
  expect(fewestDiscordant(2 ** -4)).toBe(5) // 2 · 2⁻⁵ is the level itself
  for (const alpha of [0.2, 0.05, 0.01, 0.001]) {
    const fewest = fewestDiscordant(alpha)
    expect(mcnemar(0, fewest).exact).toBeLessThanOrEqual(alpha)
    expect(mcnemar(0, fewest - 1).exact).toBeGreaterThan(alpha)
  }
})

test("Holm's corrected p-values are statsmodels', with ties, zeros and ones", () => {
  for (const { p, corrected } of fixture.holm)
    for (const [i, value] of holm(p).entries()) expect(value).toBeCloseTo(corrected[i]!, 12)
  expect(holm([])).toEqual([])
})

test("quantiles and tails are scipy's", () => {
  const { normal, t, two_sided } = fixture.quantiles
  for (const [p, expected] of normal) expect(normalQuantile(p)).toBeCloseTo(expected, 9)
  for (const [p, df, expected] of t) expectClose(1 + tQuantile(p, df), 1 + expected, 1e-7, [p, df])
  for (const [at, df, expected] of two_sided) expectClose(twoSidedT(at, df), expected, 1e-6, [at, df])
})

test('infinitely many degrees of freedom are the normal distribution, and an infinite t is impossible', () => {
  expect(tQuantile(0.975, Number.POSITIVE_INFINITY)).toBe(normalQuantile(0.975))
  expect(tQuantile(0.975, 2e7)).toBeCloseTo(tQuantile(0.975, 9e6), 6)
  expect(twoSidedT(-1.959963984540054, Number.POSITIVE_INFINITY)).toBeCloseTo(0.05, 9)
  expect(twoSidedT(Number.POSITIVE_INFINITY, 3)).toBe(0)
})
