import { below, fillBits, randomBits } from './bits.js'
import type { Resampled } from './resampled.js'

export interface DrawOptions {
  draws: number
  seed: number
}

/**
 * Returns each score's values over resamples with replacement: draw i takes the same units for all scores, so their
 * differences are paired. All scores have the same units.
 */
export function bootstrap(scores: readonly Resampled[], { draws, seed }: DrawOptions): Float64Array[] {
  const units = scores[0]!.units
  const bits = randomBits(seed)
  const values = scores.map(() => new Float64Array(draws))
  const counts = new Int32Array(units)
  for (let draw = 0; draw < draws; draw++) {
    counts.fill(0)
    for (let i = 0; i < units; i++) counts[below(bits, units)]!++
    for (const [i, score] of scores.entries()) values[i]![draw] = score.of(counts)
  }
  return values
}

/** Two scores of the same units. */
export interface ScorePair {
  first: Resampled
  second: Resampled
}

/** Differences closer than this to the observed one count as equal to it: the order of additions may change them. */
const ROUNDING = 1e-9

/**
 * Returns the two-sided p-value of each pair by approximate randomisation (Noreen 1989): the share of draws, with the
 * observed outcome as one of them, whose scores differ at least as much after the answers to each unit were exchanged
 * with probability ½. Draw i exchanges the same units in all pairs, which have the same number of them.
 */
export function randomisation(pairs: readonly ScorePair[], { draws, seed }: DrawOptions): number[] {
  const bits = randomBits(seed)
  const exchanged = new Int32Array(pairs[0]?.first.units ?? 0)
  const scores = [...new Set(pairs.flatMap(({ first, second }) => [first, second]))]
  const tested = pairs.map(({ first, second }) => ({
    parts: [scores.indexOf(first), scores.indexOf(second)] as const,
    least: Math.abs(first.observed - second.observed) - ROUNDING,
    against: first.against(second),
    reached: 1,
  }))
  for (let draw = 0; draw < draws; draw++) {
    fillBits(bits, exchanged)
    const parts = scores.map((score) => score.part(exchanged))
    for (const test of tested) {
      const [first, second] = test.parts
      if (test.against.reaches(test.least, parts[first], parts[second])) test.reached++
    }
  }
  return tested.map(({ reached }) => reached / (draws + 1))
}
