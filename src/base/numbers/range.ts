/** The smallest and the largest of some values. */
export type Range = [number, number]

/** Returns the range of values; null where there are none. */
export const rangeOf = (values: readonly number[]): Range | null =>
  values.length === 0 ? null : [Math.min(...values), Math.max(...values)]

/** Returns `0.073–0.102`, or `0.073` where both ends look the same. */
export function shownRange([least, most]: Range, shown: (value: number) => string): string {
  const [from, to] = [shown(least), shown(most)]
  return from === to ? from : `${from}–${to}`
}
