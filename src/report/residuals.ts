import { meanAbsoluteError, rootMeanSquaredError } from '../task/metrics/errors.js'

/** Prediction minus target. As in the scores, a prediction that is not a number counts as −1. */
export interface Residual {
  error: number
  isNumber: boolean
}

/** The errors of a regression's predictions against the numbers of their rows, in the units of the labels. */
export interface Residuals {
  /** The mean absolute error of all predictions: the metric `mae`. */
  mae: number
  /** The root of the mean squared error of all predictions: the metric `rmse`. */
  rmse: number
  /** The number of predictions that are numbers; the fields below are about these. */
  numbers: number
  largest: number
  /** Mean of prediction minus target: above 0 where predictions are too high. */
  bias: number
  bins: Bin[]
}

/** Residuals from `from` up to `to`; only the last bin includes its `to`. */
export interface Bin {
  from: number
  to: number
  rows: number
}

/** An odd number, so that the bin in the middle is around 0. */
const BINS = 21

export function summed(residuals: readonly Residual[]): Residuals {
  const errors = residuals.map(({ error }) => error)
  const known = residuals.filter(({ isNumber }) => isNumber).map(({ error }) => error)
  const largest = known.reduce((most, residual) => Math.max(most, Math.abs(residual)), 0)
  return {
    mae: meanAbsoluteError(errors),
    rmse: rootMeanSquaredError(errors),
    numbers: known.length,
    largest,
    bias: known.reduce((sum, error) => sum + error, 0) / Math.max(1, known.length),
    bins: binned(known, largest),
  }
}

/** Returns bins that extend equally far on both sides of 0; none where all residuals are 0. */
function binned(residuals: readonly number[], largest: number): Bin[] {
  if (largest === 0) return []
  const width = (2 * largest) / BINS
  const edge = (i: number) => (i - BINS / 2) * width
  const bins = Array.from({ length: BINS }, (_, i) => ({ from: edge(i), to: edge(i + 1), rows: 0 }))
  for (const residual of residuals) bins[Math.min(BINS - 1, Math.floor((residual + largest) / width))]!.rows++
  return bins
}
