import { below, randomBits } from './bits.js'
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
 * with probability ½.
 */
export function randomisation(pairs: readonly ScorePair[], { draws, seed }: DrawOptions): number[] {
  const bits = randomBits(seed)
  return pairs.map(({ first, second }) => {
    const observed = Math.abs(first.observed - second.observed) - ROUNDING
    const differenceOf = first.against(second)
    let reached = 1
    for (let draw = 0; draw < draws; draw++) if (Math.abs(differenceOf(bits)) >= observed) reached++
    return reached / (draws + 1)
  })
}
