import { dot } from '../dot.js'

/** The values of two rankings of the same rows in one order, the smallest first. */
export interface MergedRankings {
  rows: number
  /** Of each place, twice its row, and 1 more where the value is the second's. */
  owners: Int32Array
  /** Of each place, the wanted rank of its row, from 0. */
  wanted: Float64Array
  /** The place after the last of each run of equal values. */
  ends: Int32Array
}

/**
 * Tells how large the difference of two rank correlations is after an exchange of rows, mostly for a fraction of the
 * cost of computing it.
 *
 * A value's rank among the first's is the number of them below it, and half of those equal to it. So the first's sum of
 * ranks × wanted ranks minus the second's, P₁ − P₂, is the sum over pairs of values i ≠ j of
 * wanted(i) · below(j, i) · (1 − s(i) − s(j)), where s is 1 for the second's values: linear in what is exchanged.
 * The spreads of both ranks, S₁ and S₂, follow from their ties. With W, the spread of the wanted ranks, the difference
 * of the correlations is (P₁ − P₂) / √(S₁W) + c₂ (1 − √(S₂ / S₁)), with c₂ in [−1, 1].
 */
export class ExchangeBounds {
  readonly #untied: number
  readonly #wantedSpread: number
  /** P₁ − P₂ where nothing is exchanged. */
  readonly #products: number
  /** What the exchange of each row takes from P₁ − P₂. */
  readonly #taken: Float64Array
  readonly #ties: Ties

  constructor(merged: MergedRankings, wantedSpread: number) {
    const { rows, owners, wanted, ends } = merged
    const taken = new Float64Array(rows)
    let above = total(wanted)
    let products = 0
    let start = 0
    for (const end of ends) {
      const sum = total(wanted.subarray(start, end))
      const meanRank = (start + end - 1) / 2
      above -= sum
      for (let i = start; i < end; i++) {
        const own = wanted[i]! * meanRank
        const weight = own + above + (sum - wanted[i]!) / 2
        const ofSecond = owners[i]! & 1
        products += own - ofSecond * weight
        taken[owners[i]! >> 1]! += ofSecond ? -weight : weight
      }
      start = end
    }
    this.#untied = rows ** 3 - rows
    this.#wantedSpread = wantedSpread
    this.#products = products
    this.#taken = taken
    this.#ties = new Ties(merged)
  }

  /**
   * Returns whether the difference after an exchange of the rows with 1 is at least so large, in either direction;
   * undefined where it is too close.
   */
  reaches(least: number, exchanged: Int32Array): boolean | undefined {
    const products = this.#products - dot(exchanged, this.#taken)
    const decided = this.#decided(least, products, [0, this.#ties.most])
    return decided ?? this.#decided(least, products, this.#ties.cubes(exchanged))
  }

  /** Decides for spreads that are between those of the two sums of t³ − t over ties. */
  #decided(least: number, products: number, [one, other]: readonly [number, number]): boolean | undefined {
    const narrow = (this.#untied - Math.max(one, other)) / 12
    const wide = (this.#untied - Math.min(one, other)) / 12
    if (!(narrow > 0 && this.#wantedSpread > 0)) return undefined
    const size = Math.abs(products) / Math.sqrt(this.#wantedSpread)
    const error = Math.sqrt(wide / narrow) - 1
    if (size / Math.sqrt(wide) - error >= least) return true
    if (size / Math.sqrt(narrow) + error < least) return false
    return undefined
  }
}

/** Counts how many values of each ranking are equal to others of it. */
class Ties {
  /** The rows that an exchange moves from one tie to another, and their ties; 0 stands for values without an equal. */
  readonly #movable: Int32Array
  readonly #from: Int32Array
  readonly #to: Int32Array
  /** How many values of both each tie has, and how many of the first's where nothing is exchanged. */
  readonly #sizes: Int32Array
  readonly #ofFirst: Int32Array
  readonly #counts: Int32Array
  /** More than the sum of t³ − t can be after any exchange. */
  readonly most: number

  constructor({ rows, owners, ends }: MergedRankings) {
    const ties = [new Int32Array(rows), new Int32Array(rows)] as const
    const sizes = [0]
    const ofFirst = [0]
    let start = 0
    for (const end of ends) {
      if (end - start > 1) {
        for (const owner of owners.subarray(start, end)) ties[owner & 1]![owner >> 1] = sizes.length
        ofFirst.push(owners.subarray(start, end).filter((owner) => (owner & 1) === 0).length)
        sizes.push(end - start)
      }
      start = end
    }
    const [from, to] = ties
    this.#movable = from.map((_, row) => row).filter((row) => from[row] !== to[row])
    this.#from = this.#movable.map((row) => from[row]!)
    this.#to = this.#movable.map((row) => to[row]!)
    this.#sizes = Int32Array.from(sizes)
    this.#ofFirst = Int32Array.from(ofFirst)
    this.#counts = new Int32Array(sizes.length)
    this.most = sizes.reduce((sum, size) => sum + size ** 3 - size, 0)
  }

  /** Returns the sum of t³ − t over the ties of t values in the first ranking, and in the second. */
  cubes(exchanged: Int32Array): [first: number, second: number] {
    const [movable, from, to, sizes, counts] = [this.#movable, this.#from, this.#to, this.#sizes, this.#counts]
    counts.set(this.#ofFirst)
    for (let i = 0; i < movable.length; i++) {
      const moved = exchanged[movable[i]!]!
      counts[from[i]!]! -= moved
      counts[to[i]!]! += moved
    }
    let first = 0
    let second = 0
    for (let tie = 1; tie < sizes.length; tie++) {
      const [own, other] = [counts[tie]!, sizes[tie]! - counts[tie]!]
      first += own * own * own - own // powers take several times as long
      second += other * other * other - other
    }
    return [first, second]
  }
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)
