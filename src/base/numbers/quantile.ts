/** The quantile of at least one number: between the two nearest ranks linearly, as numpy does. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]!
  return below + (place % 1) * ((sorted[Math.ceil(place)] ?? below) - below)
}

/** The mean of the two in the middle where their number is even. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)
