import type { Against } from '../resampled.js'
import { ExchangeBounds, type MergedRankings } from './exchange_bounds.js'
import { rankCorrelation, sortedOrder, squaredMeans, tieEnds } from './ranks.js'

/** Two rankings of the same rows, and the ranks that both should have, from 0. */
export interface RankedPair {
  first: Float64Array
  second: Float64Array
  wantedRanks: Float64Array
  /** The sum of the squares of the wanted ranks. */
  wantedSquares: number
  scale: number
}

/**
 * The difference of two rank correlations after an exchange of rows. Both values of each row are sorted once, the
 * first's and the second's together.
 */
export class RankDifference implements Against<Int32Array> {
  readonly #scale: number
  readonly #wantedSquares: number
  readonly #merged: MergedRankings
  readonly #bounds: ExchangeBounds

  constructor({ first, second, wantedRanks, wantedSquares, scale }: RankedPair) {
    const n = first.length
    const values = new Float64Array(2 * n)
    values.set(first)
    values.set(second, n)
    const order = sortedOrder(values)
    const owners = order.map((at) => 2 * (at % n) + (at < n ? 0 : 1))
    const wanted = Float64Array.from(order, (at) => wantedRanks[at % n]!)
    this.#scale = scale
    this.#wantedSquares = wantedSquares
    this.#merged = { rows: n, owners, wanted, ends: tieEnds(order, values) }
    this.#bounds = new ExchangeBounds(this.#merged, wantedSquares - squaredMeans(n))
  }

  difference(exchanged: Int32Array): number {
    const { rows, owners, wanted, ends } = this.#merged
    const first = { products: 0, squares: 0 }
    const second = { products: 0, squares: 0 }
    let before = 0
    let secondBefore = 0
    for (let tie = 0, i = 0; tie < ends.length; tie++) {
      const start = i
      let sum = 0
      let ofSecond = 0
      let secondSum = 0
      for (; i < ends[tie]!; i++) {
        const side = (owners[i]! & 1) ^ exchanged[owners[i]! >> 1]!
        sum += wanted[i]!
        ofSecond += side
        secondSum += side * wanted[i]!
      }
      const ofFirst = i - start - ofSecond
      const rank = before + (ofFirst - 1) / 2
      first.products += rank * (sum - secondSum)
      first.squares += ofFirst * rank * rank
      before += ofFirst
      const secondRank = secondBefore + (ofSecond - 1) / 2
      second.products += secondRank * secondSum
      second.squares += ofSecond * secondRank * secondRank
      secondBefore += ofSecond
    }
    const [one, other] = [first, second].map((sums) => rankCorrelation(rows, sums, this.#wantedSquares))
    return this.#scale * (one! - other!)
  }

  reaches(least: number, exchanged: Int32Array): boolean {
    const decided = this.#bounds.reaches(least / this.#scale, exchanged)
    return decided ?? Math.abs(this.difference(exchanged)) >= least
  }
}
