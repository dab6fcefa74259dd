import { expect, test } from 'vitest'
import { MersenneTwister } from '../../src/base/numbers/random.js'
import { Addends, Additive } from '../../src/statistics/additive.js'
import { differenceOf, smallestDetectable } from '../../src/statistics/difference.js'
import { bootstrap, randomisation } from '../../src/statistics/draws.js'
import { RankCorrelation } from '../../src/statistics/ranks/correlation.js'
import { fixture } from './fixture.js'

// expected: test/oracle/paired.py, scipy and statsmodels

const mean = (values: number[]): Additive => {
  const addends = new Addends(values.length)
  for (const [unit, value] of values.entries()) {
    addends.add(unit, 0, value)
    addends.add(unit, 1)
  }
  const score = ([sum, count]: Float64Array) => (count === 0 ? 0 : sum! / count!)
  return new Additive(addends, { components: 2, score })
}

const ranked = (values: number[], wanted: number[]) =>
  new RankCorrelation(Float64Array.from(values), Float64Array.from(wanted))

test("Spearman's correlation of a resample is scipy's, with ties, constants and a single row", () => {
  for (const { x, y, counts, once, again } of fixture.spearman) {
    const correlation = ranked(x, y)
    expect(correlation.observed).toBeCloseTo(once, 12)
    expect(correlation.of(Int32Array.from(counts))).toBeCloseTo(again, 12)
  }
})

test("approximate randomisation comes to scipy's p-value of all exchanges", () => {
  for (const { a, b, p } of fixture.permutation) {
    const [found] = randomisation([{ first: mean(a), second: mean(b) }], { draws: 40_000, seed: 1 })
    expect(Math.abs(found! - p)).toBeLessThan(0.01) // four standard errors
  }
  const { gold, a, b, p } = fixture.spearman_permutation
  const pair = { first: ranked(a, gold), second: ranked(b, gold) }
  expect(Math.abs(randomisation([pair], { draws: 40_000, seed: 1 })[0]! - p)).toBeLessThan(0.01)
})

test('scores that never differ have the p-value 1, and so has a single row', () => {
  const same = { first: mean([1, 0, 1]), second: mean([1, 0, 1]) }
  const constant = { first: ranked([2, 2, 2], [1, 2, 3]), second: ranked([5, 5, 5], [1, 2, 3]) }
  const oneRow = [
    { first: mean([1]), second: mean([0]) },
    { first: ranked([1], [3]), second: ranked([2], [3]) },
  ]
  expect(randomisation([same, constant], { draws: 100, seed: 3 })).toEqual([1, 1])
  expect(randomisation(oneRow, { draws: 100, seed: 3 })).toEqual([1, 1])
  expect(randomisation([], { draws: 100, seed: 3 })).toEqual([])
})

test('an exchange of all units turns the difference around, one of none leaves it', () => {
  const gold = [1, 5, 2, 2, 4]
  for (const [first, second] of [
    [mean([1, 0, 3, 1, 0]), mean([0, 2, 3, 0, 2])],
    [ranked([1, 3, 2, 5, 4], gold), ranked([2, 2, 1, 3, 9], gold)],
  ] as const) {
    const against = first!.against(second as never)
    const of = (flag: number) => {
      const exchanged = new Int32Array(5).fill(flag)
      return against.difference(first!.part(exchanged) as never, second!.part(exchanged) as never)
    }
    const observed = first!.observed - second!.observed
    expect(Math.abs(observed)).toBeGreaterThan(0.01)
    expect(of(0)).toBeCloseTo(observed, 12)
    expect(of(1)).toBeCloseTo(-observed, 12)
  }
})

test('whether rank correlations differ by so much is what their difference says, however many values are tied', () => {
  const generator = new MersenneTwister(4)
  let close = 0
  for (let round = 0; round < 600; round++) {
    const rows = 2 + (generator.uint32() % 30)
    const draw = (most: number) => Array.from({ length: rows }, () => generator.uint32() % most)
    const gold = draw(1 + (generator.uint32() % 8))
    const values = round % 3 === 0 ? 1000 : 1 + (generator.uint32() % 12)
    const against = ranked(draw(values), gold).against(ranked(draw(values), gold))
    const exchanged = Int32Array.from(draw(2))
    const size = Math.abs(against.difference(exchanged))
    for (const least of [0, size / 2, size - 1e-9, size + 1e-9, size * 1.05 + 1e-9, size + 0.5])
      expect(against.reaches(least, exchanged)).toBe(size >= least)
    if (size > 1e-9) close++
  }
  expect(close).toBeGreaterThan(300)
})

test("the interval of a paired difference is scipy's percentile bootstrap, widened for 300 units", () => {
  const { a, b, cases, standard_error } = fixture.bootstrap
  const draws = bootstrap([mean(a), mean(b)], { draws: 20_000, seed: 0 })
  for (const { level, low, high } of cases) {
    const of = (values: number[], i: number) => ({ observed: [mean(values).observed], draws: [draws[i]!] })
    const found = differenceOf(of(a, 0), of(b, 1), { units: 300, level, seed: 0 })
    // Student's t of 299 degrees and n / (n − 1): 0.6 % wider; the rest is chance
    expect(Math.abs(found.interval![0] - low)).toBeLessThan(0.06 * standard_error)
    expect(Math.abs(found.interval![1] - high)).toBeLessThan(0.06 * standard_error)
    expect(found.standardError / standard_error).toBeCloseTo(1, 1)
    expect(found.seedsP).toBeUndefined()
  }
})

test("where only seeds vary, p-value and degrees of freedom are those of Welch's test", () => {
  for (const { a, b, p, df } of fixture.welch) {
    const constant = (scores: number[]) => ({
      observed: scores,
      draws: scores.map((score) => new Float64Array(4000).fill(score)),
    })
    const found = differenceOf(constant(a), constant(b), { units: 50, level: 0.95, seed: 2 })
    expect(found.degrees).toBeCloseTo(df, 8)
    expect(found.seedsP).toBeCloseTo(p, 8)
  }
})

test('chance of units is not counted as variance of seeds again', () => {
  const generator = new MersenneTwister(9)
  const [units, seeds, rounds] = [200, 4, 12]
  let ratio = 0
  for (let round = 0; round < rounds; round++) {
    const runs = Array.from({ length: 2 * seeds }, () =>
      mean(Array.from({ length: units }, () => generator.uint32() & 1)),
    ) // every answer is a coin: seeds are equally good
    const draws = bootstrap(runs, { draws: 200, seed: round })
    const of = (from: number) => ({
      observed: runs.slice(from, from + seeds).map(({ observed }) => observed),
      draws: draws.slice(from, from + seeds),
    })
    const { standardError } = differenceOf(of(0), of(seeds), { units, level: 0.95, seed: round })
    ratio += standardError / Math.sqrt((2 * 0.25) / (units * seeds)) / rounds
  }
  expect(ratio).toBeGreaterThan(0.9)
  expect(ratio).toBeLessThan(1.25) // counted twice, it would be √2
})

test('nothing that varies is an interval of no width; a single unit has none', () => {
  const draws = bootstrap([mean([1, 1, 1]), mean([0, 0, 0])], { draws: 50, seed: 0 })
  const [a, b] = draws.map((each, i) => ({ observed: [1 - i], draws: [each] }))
  const certain = { difference: 1, interval: [1, 1], standardError: 0, degrees: Number.POSITIVE_INFINITY }
  expect(differenceOf(a!, b!, { units: 3, level: 0.95, seed: 0 })).toEqual({ ...certain, seedsP: undefined })
  expect(differenceOf(a!, b!, { units: 1, level: 0.95, seed: 0 }).interval).toBeUndefined()
})

test("the smallest difference that units can show is statsmodels' effect for a power of 0.8", () => {
  for (const { n, alpha, effect } of fixture.power)
    expect(smallestDetectable(1 / Math.sqrt(n), alpha) / effect).toBeCloseTo(1, 4)
})

test('the same seed draws the same numbers, another seed others', () => {
  const draw = (seed: number) => [...bootstrap([mean([1, 0, 2, 5, 3])], { draws: 6, seed })[0]!]
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
})
