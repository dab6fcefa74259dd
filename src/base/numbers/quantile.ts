/** Returns a quantile of at least one number, interpolated linearly between the two nearest ranks, as numpy does. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]!
  return below + (place % 1) * ((sorted[Math.ceil(place)] ?? below) - below)
}

/** Returns the median of at least one number: of an even number of them, the mean of the two in the middle. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)
