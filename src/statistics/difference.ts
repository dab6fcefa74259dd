import { mean } from '../base/numbers/mean.js'
import { quantile } from '../base/numbers/quantile.js'
import { type Bits, below, randomBits } from './bits.js'
import { normalQuantile, tQuantile, twoSidedT } from './distributions.js'

/** The scores of a method's runs, one for each seed, and of each run those over the same resamples of units. */
export interface MethodScores {
  observed: readonly number[]
  draws: readonly Float64Array[]
}

/** What is known of the difference of two methods' mean scores. */
export interface Difference {
  difference: number
  /** Undefined where nothing varies that could be measured: a single unit. */
  interval: [low: number, high: number] | undefined
  standardError: number
  /** Degrees of freedom of the standard error, by Welch and Satterthwaite; infinite where nothing varies. */
  degrees: number
  /** Two-sided, over seeds and units, from Student's t; undefined where neither method has several seeds. */
  seedsP: number | undefined
}

interface DifferenceOptions {
  units: number
  level: number
  seed: number
}

/** Says how the mean score of runs varies: over their seeds, drawn anew for each resample of units, and over units. */
interface Varied {
  mean: number
  /** Mean of all seeds, for each resample of units. */
  overUnits: Float64Array
  /** Mean of drawn seeds, for each resample of units. */
  overBoth: Float64Array
  /** The variance of the mean that comes from the seeds; 0 of a single one, which says nothing of it. */
  seedVariance: number
  seeds: number
}

/**
 * Compares the means of two methods' scores by a hierarchical bootstrap: seeds are drawn within each method, and units
 * for both together. The deviations of drawn seeds are scaled to the variance that seeds add to that of units, with
 * S − 1 for S, and the percentiles are widened by Student's t over the normal quantile: a plain bootstrap of three
 * seeds would count some of the variance twice, find a third less of the rest, and take it for certain.
 */
export function differenceOf(first: MethodScores, second: MethodScores, options: DifferenceOptions): Difference {
  const { units, level, seed } = options
  const bits = randomBits(seed)
  const [a, b] = [varied(first, bits), varied(second, bits)]
  const difference = a.mean - b.mean
  const minus = (of: 'overUnits' | 'overBoth') => a[of].map((value, draw) => value - b[of][draw]!)
  const unitVariance = varianceOf(minus('overUnits')) * correction(units)
  const variance = unitVariance + a.seedVariance + b.seedVariance
  const parts = [
    { variance: unitVariance, degrees: units - 1 },
    { variance: a.seedVariance, degrees: a.seeds - 1 },
    { variance: b.seedVariance, degrees: b.seeds - 1 },
  ].filter((part) => part.variance > 0)
  const degrees =
    parts.length === 0
      ? Number.POSITIVE_INFINITY
      : variance ** 2 / parts.reduce((sum, part) => sum + part.variance ** 2 / part.degrees, 0)
  const standardError = Math.sqrt(variance)
  const several = a.seeds > 1 || b.seeds > 1
  return {
    difference,
    interval: units < 2 ? undefined : intervalOf(minus('overBoth'), { difference, degrees, level, units }),
    standardError,
    degrees,
    seedsP: several && units > 1 ? pOf(difference, standardError, degrees) : undefined,
  }
}

/** Where nothing varies, a difference is certain, and none is no finding. */
const pOf = (difference: number, standardError: number, degrees: number): number =>
  difference === 0 ? 1 : twoSidedT(difference / standardError, degrees)

function intervalOf(
  values: Float64Array,
  { difference, degrees, level, units }: { difference: number; degrees: number; level: number; units: number },
): [number, number] {
  const tail = (1 - level) / 2
  const wider = (tQuantile(1 - tail, degrees) / normalQuantile(1 - tail)) * Math.sqrt(correction(units))
  const all = [...values]
  const [low, high] = [quantile(all, tail), quantile(all, 1 - tail)]
  return [difference - wider * (difference - low), difference + wider * (high - difference)]
}

function varied({ observed, draws }: MethodScores, bits: Bits): Varied {
  const seeds = observed.length
  const ofSeeds = mean(observed)
  const overUnits = draws[0]!.map((_, draw) => draws.reduce((sum, of) => sum + of[draw]!, 0) / seeds)
  if (seeds === 1) return { mean: ofSeeds, overUnits, overBoth: overUnits, seedVariance: 0, seeds }
  const own = sampleVariance(observed)
  const seedVariance = Math.max(0, own - ofUnitsAlone(draws, overUnits))
  const widened = own === 0 ? 0 : Math.sqrt((correction(seeds) * seedVariance) / own)
  const overBoth = overUnits.map((all, draw) => {
    let sum = 0
    for (let i = 0; i < seeds; i++) sum += draws[below(bits, seeds)]![draw]!
    return all + widened * (sum / seeds - all)
  })
  return { mean: ofSeeds, overUnits, overBoth, seedVariance: seedVariance / seeds, seeds }
}

/**
 * Returns the variance between seeds that units cause: which of them a seed answers right differs by chance, and the
 * resamples of units have that already. It is what a seed's resamples vary more than those of the mean of all seeds.
 */
function ofUnitsAlone(draws: readonly Float64Array[], overUnits: Float64Array): number {
  const single = draws.reduce((sum, of) => sum + varianceOf(of), 0) / draws.length
  return Math.max(0, single - varianceOf(overUnits)) * correction(draws.length)
}

/** A resample of n values has n − 1 n-ths of their sample variance. */
const correction = (n: number): number => n / Math.max(1, n - 1)

function varianceOf(values: ArrayLike<number>): number {
  let [mean, squares] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    const delta = values[i]! - mean
    mean += delta / (i + 1)
    squares += delta * (values[i]! - mean)
  }
  return squares / values.length
}

const sampleVariance = (values: readonly number[]): number => varianceOf(values) * correction(values.length)

/** The chance of finding a difference that is there, for `smallestDetectable`. */
export const POWER = 0.8

/**
 * Returns the smallest difference that would be found in four of five such comparisons: a normal deviate of that
 * standard error, tested on both sides at `alpha`.
 */
export const smallestDetectable = (standardError: number, alpha: number): number =>
  standardError * (normalQuantile(1 - alpha / 2) + normalQuantile(POWER))
