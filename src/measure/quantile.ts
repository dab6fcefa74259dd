/** Returns a quantile of at least one number, interpolated linearly between the two nearest ranks, as numpy does. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]!
  return below + (place % 1) * ((sorted[Math.ceil(place)] ?? below) - below)
}
