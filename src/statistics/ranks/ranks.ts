/** Sums of ranks r and of partner ranks s: Σr·s and Σr², with the ranks from 0. */
export interface RankSums {
  products: number
  squares: number
}

/** Returns the indices of the values, the smallest value first. */
export const sortedOrder = (values: Float64Array): Int32Array =>
  Int32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!)

/** Returns the place after the last of each run of equal values. */
export function tieEnds(order: Int32Array, values: Float64Array): Int32Array {
  const ends: number[] = []
  for (let i = 1; i <= order.length; i++)
    if (i === order.length || values[order[i]!] !== values[order[i - 1]!]) ends.push(i)
  return Int32Array.from(ends)
}

/** Returns Pearson's correlation of `total` ranks and their partners; 0 where either side is constant. */
export function rankCorrelation(total: number, { products, squares }: RankSums, wantedSquares: number): number {
  const means = squaredMeans(total)
  const spread = (squares - means) * (wantedSquares - means)
  if (spread <= 0) return 0
  return Math.min(1, Math.max(-1, (products - means) / Math.sqrt(spread)))
}

/** Returns the square of the mean rank, added up over ranks 0 … total − 1, whatever their ties. */
export const squaredMeans = (total: number): number => (total * (total - 1) ** 2) / 4
