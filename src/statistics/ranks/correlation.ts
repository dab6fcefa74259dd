import type { Resampled } from '../resampled.js'
import { RankDifference } from './difference.js'
import { rankCorrelation, sortedOrder } from './ranks.js'

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
    return this.#scale * rankCorrelation(total, { products, squares }, wantedSquares)
  }

  part(exchanged: Int32Array): Int32Array {
    return exchanged
  }

  against(second: RankCorrelation): RankDifference {
    const wantedSquares = this.#rankWanted(new Int32Array(this.units).fill(1))
    return new RankDifference({
      ...{ first: this.#values, second: second.#values, scale: this.#scale },
      ...{ wantedRanks: this.#ranks, wantedSquares },
    })
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
}
