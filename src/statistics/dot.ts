/**
 * Returns Σ counts[u] · column[u]. It stands alone for speed: in a method that does more, its loop was compiled to run
 * four times as long.
 */
export function dot(counts: Int32Array, column: Float64Array): number {
  let sum = 0
  for (let u = 0; u < counts.length; u++) sum += counts[u]! * column[u]!
  return sum
}
