import type { Against, Resampled } from './resampled.js'

/** Sums of ranks r and of partner ranks s: Σr·s and Σr², with the ranks from 0. */
interface RankSums {
  products: number
  squares: number
}

/**
 * Spearman's correlation × `scale`: Pearson's of the ranks, equal values at their mean rank; 0 where either side is
 * constant. Both sides are sorted once, so that a resample takes time proportional to its units.
 */
export class RankCorrelation implements Resampled<RankCorrelation, Int32Array> {
  readonly units: number
  readonly observed: number
  readonly #scale
  readonly #values: Float64Array
  readonly #wanted: Float64Array
  readonly #order: Int32Array
  readonly #wantedOrder: Int32Array
  readonly #ranks: Float64Array

  constructor(values: Float64Array, wanted: Float64Array, scale = 1) {
    this.units = values.length
    this.#scale = scale
    this.#values = values
    this.#wanted = wanted
    this.#order = sortedOrder(values)
    this.#wantedOrder = sortedOrder(wanted)
    this.#ranks = new Float64Array(values.length)
    this.observed = this.of(new Int32Array(values.length).fill(1))
  }

  of(counts: Int32Array): number {
    let total = 0
    for (let u = 0; u < counts.length; u++) total += counts[u]!
    const wantedSquares = this.#rankWanted(counts)
    const [values, order, ranks] = [this.#values, this.#order, this.#ranks]
    let before = 0
    let products = 0
    let squares = 0
    for (let i = 0; i < order.length; ) {
      const value = values[order[i]!]!
      let tied = 0
      let sum = 0
      for (; i < order.length && values[order[i]!] === value; i++) {
        const count = counts[order[i]!]!
        tied += count
        sum += count * ranks[order[i]!]!
      }
      const rank = before + (tied - 1) / 2
      products += rank * sum
      squares += tied * rank * rank
      before += tied
    }
    return this.#correlation(total, { products, squares }, wantedSquares)
  }

  part(exchanged: Int32Array): Int32Array {
    return exchanged
  }

  against(second: RankCorrelation): Against<Int32Array> {
    const n = this.units
    const values = new Float64Array(2 * n) // the first's, then the second's
    values.set(this.#values)
    values.set(second.#values, n)
    const order = sortedOrder(values)
    const ends = Int32Array.from(tieEnds(order, values))
    const wantedSquares = this.#rankWanted(new Int32Array(n).fill(1))
    const owners = order.map((at) => 2 * (at % n) + (at < n ? 0 : 1)) // twice the row, and 1 for the second's
    const ranks = Float64Array.from(order, (at) => this.#ranks[at % n]!)
    const difference = (exchanged: Int32Array) => {
      let i = 0
      let before = 0
      let secondBefore = 0
      let products = 0
      let squares = 0
      let secondProducts = 0
      let secondSquares = 0
      for (let tie = 0; tie < ends.length; tie++) {
        const end = ends[tie]!
        const length = end - i
        let sum = 0
        let ofSecond = 0
        let secondSum = 0
        for (; i < end; i++) {
          const owner = owners[i]!
          const side = (owner & 1) ^ exchanged[owner >> 1]!
          const rank = ranks[i]!
          sum += rank
          ofSecond += side
          secondSum += side * rank
        }
        const ofFirst = length - ofSecond
        const rank = before + (ofFirst - 1) / 2
        products += rank * (sum - secondSum)
        squares += ofFirst * rank * rank
        before += ofFirst
        const secondRank = secondBefore + (ofSecond - 1) / 2
        secondProducts += secondRank * secondSum
        secondSquares += ofSecond * secondRank * secondRank
        secondBefore += ofSecond
      }
      const first = this.#correlation(n, { products, squares }, wantedSquares)
      return first - this.#correlation(n, { products: secondProducts, squares: secondSquares }, wantedSquares)
    }
    return { difference }
  }

  /** Ranks the wanted values of a selection into `#ranks`; returns the sum of the squares of its ranks. */
  #rankWanted(counts: Int32Array): number {
    const [wanted, order, ranks] = [this.#wanted, this.#wantedOrder, this.#ranks]
    let before = 0
    let squares = 0
    for (let i = 0; i < order.length; ) {
      const start = i
      const value = wanted[order[i]!]!
      let tied = 0
      for (; i < order.length && wanted[order[i]!] === value; i++) tied += counts[order[i]!]!
      const rank = before + (tied - 1) / 2
      for (let j = start; j < i; j++) ranks[order[j]!] = rank
      squares += tied * rank * rank
      before += tied
    }
    return squares
  }

  #correlation(total: number, { products, squares }: RankSums, wantedSquares: number): number {
    const squaredMeans = (total * (total - 1) ** 2) / 4 // of ranks 0 … total − 1, whatever the ties
    const spread = (squares - squaredMeans) * (wantedSquares - squaredMeans)
    if (spread <= 0) return 0
    return this.#scale * Math.min(1, Math.max(-1, (products - squaredMeans) / Math.sqrt(spread)))
  }
}

/** Returns the indices of the values, the smallest value first. */
const sortedOrder = (values: Float64Array): Int32Array =>
  Int32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!)

/** Returns the place after the last of each run of equal values. */
function tieEnds(order: Int32Array, values: Float64Array): number[] {
  const ends: number[] = []
  for (let i = 1; i <= order.length; i++)
    if (i === order.length || values[order[i]!] !== values[order[i - 1]!]) ends.push(i)
  return ends
}
