import { mean } from '../../base/numbers/mean.js'
import type { Scores } from '../directory.js'

/** Mean and sample standard deviation (n − 1); a single value has no deviation. */
export interface Spread {
  mean: number
  std: number | null
}

export function spread(values: number[]): Spread {
  const middle = mean(values)
  if (values.length < 2) return { mean: middle, std: null }
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  return { mean: middle, std: Math.sqrt(squares / (values.length - 1)) }
}

/** Returns the spread of each metric over runs that have the same metrics. */
export function spreadOfScores(runs: Scores[]): Record<string, Spread> {
  const metrics = Object.keys(runs[0] ?? {})
  return Object.fromEntries(metrics.map((metric) => [metric, spread(runs.map((scores) => scores[metric]!))]))
}

/** Returns the mean of those of the metrics that the scores have. */
export const meanOf = (scores: Scores, metrics: readonly string[]): number =>
  spread(metrics.flatMap((metric) => scores[metric] ?? [])).mean

/** Returns `62.31 ± 1.20`, or `62.31` for one run. */
export const shownSpread = ({ mean, std }: Spread): string =>
  std === null ? shownScore(mean) : `${shownScore(mean)} ± ${std.toFixed(2)}`

/** Writes a score with a real minus: a correlation can be below 0. */
export const shownScore = (score: number): string => score.toFixed(2).replace('-', '−').replace('−0.00', '0.00')
