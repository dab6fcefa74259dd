/** The errors of a regression's predictions against the numbers of their rows, in the units of the labels. */
export interface Residuals {
  /** The number of predictions that are numbers; the other fields are about these. */
  numbers: number
  /** Mean absolute error. */
  mae: number
  /** Root of the mean squared error. */
  rmse: number
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

/** Summarises residuals (prediction minus target). NaN, a prediction that is not a number, is left out. */
export function summed(residuals: readonly number[]): Residuals {
  const known = residuals.filter((residual) => !Number.isNaN(residual))
  const mean = (of: (residual: number) => number) =>
    known.length === 0 ? 0 : known.reduce((sum, residual) => sum + of(residual), 0) / known.length
  const largest = known.reduce((most, residual) => Math.max(most, Math.abs(residual)), 0)
  return {
    numbers: known.length,
    mae: mean(Math.abs),
    rmse: Math.sqrt(mean((residual) => residual ** 2)),
    largest,
    bias: mean((residual) => residual),
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
