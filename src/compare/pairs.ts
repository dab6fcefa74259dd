import { mean } from '../base/numbers/mean.js'
import { Additive } from '../statistics/additive.js'
import { differenceOf, smallestDetectable } from '../statistics/difference.js'
import { randomisation } from '../statistics/draws.js'
import { holm } from '../statistics/holm.js'
import { fewestDiscordant, type McNemar, mcnemar } from '../statistics/mcnemar.js'
import { lowerIsBetter } from '../task/metrics/direction.js'
import type { Answers } from './answers.js'
import { claimOf } from './claim.js'
import type { ComparedMethod } from './methods.js'
import type { Score } from './scores/score.js'
import type { AnyMetric } from './scores/scored_rows.js'

/** Two methods, of which the first is said to be better or worse. */
export interface Pair {
  method: ComparedMethod
  against: ComparedMethod
}

/** How a p-value was found. */
export type TestName = 'mcnemar' | 'randomisation' | 'seeds_and_rows'

/** The difference of two methods in one metric: that of the first minus that of the second. */
export interface Comparison {
  metric: string
  method: string
  against: string
  /** Mean scores over the runs of each. */
  scores: [number, number]
  difference: number
  /** Null where a single row or group says nothing of others. */
  interval: [low: number, high: number] | null
  test: TestName
  p: number
  /** By Holm, over all comparisons of the command. */
  p_corrected: number
  /** Of McNemar's test: the mid-p value, and the rows that only one of the two has right. */
  mcnemar?: { mid_p: number; only_method: number; only_against: number }
  /** The smallest difference that four of five such comparisons would find; null where nothing varies. */
  smallest_difference: number | null
  verdict: 'better' | 'worse' | 'none'
  /** The same in words. */
  claim: string
}

/** A metric's scores, and those of resamples. */
export interface MetricScores {
  metric: AnyMetric
  scores: ReadonlyMap<Answers, Score>
  draws: ReadonlyMap<Answers, Float64Array>
}

export interface PairOptions {
  rows: number
  units: number
  level: number
  resamples: number
  seed: number
}

/** Compares pairs by each metric. */
export function compared(metrics: readonly MetricScores[], pairs: readonly Pair[], options: PairOptions): Comparison[] {
  const alpha = (1 - options.level) / (metrics.length * pairs.length) // Holm's for the smallest p-value
  const found = metrics.flatMap((metric) => {
    const tested = testsOf(metric, pairs, options)
    return pairs.map((pair, i) => uncorrected(metric, pair, { ...options, alpha, tested: tested[i] }))
  })
  const corrected = holm(found.map(({ p }) => p))
  return found.map(({ smallest_difference, ...comparison }, i) => {
    const p_corrected = corrected[i]!
    const verdict = verdictOf(comparison, p_corrected < 1 - options.level)
    const all = { ...comparison, p_corrected, smallest_difference, verdict } as const
    return { ...all, claim: claimOf(all, options) }
  })
}

/** Returns which of two is said to be better, where their difference is significant. */
export function verdictOf(
  { metric, difference }: Pick<Comparison, 'metric' | 'difference'>,
  significant: boolean,
): Comparison['verdict'] {
  if (!significant || difference === 0) return 'none'
  return lowerIsBetter(metric) === difference < 0 ? 'better' : 'worse'
}

/** The test of two single runs. */
type RowTest = { p: number; discordant?: { mcnemar: McNemar; counts: [number, number] } }

/** Returns the test of each pair of single runs; undefined for pairs with several seeds. */
function testsOf({ scores }: MetricScores, pairs: readonly Pair[], options: PairOptions): (RowTest | undefined)[] {
  const singles = pairs.map(({ method, against }) => {
    if (method.answers.length > 1 || against.answers.length > 1) return undefined
    return { first: scores.get(method.answers[0]!)!, second: scores.get(against.answers[0]!)! }
  })
  const exact = singles.map((pair) => pair && mcnemarOf(pair.first, pair.second))
  const others = singles.filter((pair, i) => pair !== undefined && exact[i] === undefined)
  const { resamples: draws, seed } = options
  const drawn = randomisation(others as NonNullable<(typeof others)[number]>[], { draws, seed })
  return singles.map((pair, i) => pair && (exact[i] ?? { p: drawn[others.indexOf(pair)]! }))
}

function mcnemarOf(first: Score, second: Score): RowTest | undefined {
  if (!(first instanceof Additive && second instanceof Additive && first.binary && second.binary)) return undefined
  const counts = first.discordant(second)
  const found = mcnemar(...counts)
  return { p: found.exact, discordant: { mcnemar: found, counts } }
}

function uncorrected(
  { metric, scores, draws }: MetricScores,
  { method, against }: Pair,
  { units, level, seed, alpha, tested }: PairOptions & { alpha: number; tested: RowTest | undefined },
): Omit<Comparison, 'p_corrected' | 'verdict' | 'claim'> {
  const of = ({ answers }: ComparedMethod) => ({
    observed: answers.map((each) => scores.get(each)!.observed),
    draws: answers.map((each) => draws.get(each)!),
  })
  const [first, second] = [of(method), of(against)]
  const { difference, interval, standardError, seedsP } = differenceOf(first, second, { units, level, seed })
  const { discordant } = tested ?? {}
  const detectable = standardError > 0 ? smallestDetectable(standardError, alpha) : undefined
  const least = discordant && (100 * fewestDiscordant(alpha)) / units
  const smallest = Math.max(detectable ?? 0, least ?? 0)
  return {
    ...{ metric, method: method.name, against: against.name },
    scores: [mean(first.observed), mean(second.observed)],
    difference,
    interval: interval ?? null,
    test: discordant ? 'mcnemar' : tested ? 'randomisation' : 'seeds_and_rows',
    p: tested?.p ?? seedsP ?? 1,
    ...(discordant && {
      mcnemar: {
        mid_p: discordant.mcnemar.mid,
        only_method: discordant.counts[0],
        only_against: discordant.counts[1],
      },
    }),
    smallest_difference: smallest > 0 ? smallest : null,
  }
}
