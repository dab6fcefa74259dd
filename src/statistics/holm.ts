/**
 * Corrects p-values of several tests by Holm's step-down method, in their order: a corrected p below the level keeps
 * the chance of any wrong rejection below it, however the tests depend on each other.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const corrected = new Array<number>(values.length)
  let least = 0
  for (const [rank, i] of order.entries()) {
    least = Math.max(least, Math.min(1, (values.length - rank) * values[i]!))
    corrected[i] = least
  }
  return corrected
}
