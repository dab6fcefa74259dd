import type { Against, Resampled } from './resampled.js'
import { type Sums, sumsOf } from './sums.js'

/** What units add to sums; it may be called several times for a unit and a sum. */
export class Addends {
  readonly added: Map<number, number>[]

  constructor(units: number) {
    this.added = Array.from({ length: units }, () => new Map<number, number>())
  }

  add(unit: number, component: number, value = 1): void {
    if (value === 0) return
    const added = this.added[unit]!
    added.set(component, (added.get(component) ?? 0) + value)
  }
}

interface AdditiveOptions {
  /** The number of sums. */
  components: number
  /** Makes the score of the sums. */
  score: (sums: Float64Array) => number
  /** Whether the score is a mean of units that are each right (1) or wrong (0), which component 0 counts. */
  binary?: boolean
}

/** A score of sums over units: a mean, F1, Matthews' or Pearson's correlation. */
export class Additive implements Resampled<Additive, Float64Array> {
  readonly units: number
  readonly binary: boolean
  readonly observed: number
  readonly #score
  readonly #added
  readonly #sums: Sums
  readonly #total: Float64Array

  constructor({ added }: Addends, { components, score, binary = false }: AdditiveOptions) {
    this.units = added.length
    this.binary = binary
    this.#score = score
    this.#added = added
    this.#sums = sumsOf(added, components)
    this.#total = this.part(new Int32Array(added.length).fill(1))
    this.observed = score(this.#total)
  }

  of(counts: Int32Array): number {
    return this.#score(this.part(counts))
  }

  /** Returns the sums over a selection that has the unit u `counts[u]` times. */
  part(counts: Int32Array): Float64Array {
    return this.#sums(counts)
  }

  against(second: Additive): Against<Float64Array> {
    const [first, after] = [this.#total.slice(), this.#total.slice()]
    const difference = (part: Float64Array, other: Float64Array) => {
      for (let k = 0; k < first.length; k++) {
        const moved = other[k]! - part[k]!
        first[k] = this.#total[k]! + moved
        after[k] = second.#total[k]! - moved
      }
      return this.#score(first) - this.#score(after)
    }
    const reaches = (least: number, part: Float64Array, other: Float64Array) =>
      Math.abs(difference(part, other)) >= least
    return { difference, reaches }
  }

  /** Returns how many units the first alone has right, and how many the second alone, of binary scores. */
  discordant(second: Additive): [onlyFirst: number, onlySecond: number] {
    const counts: [number, number] = [0, 0]
    for (const [unit, own] of this.#added.entries()) {
      const [right, otherRight] = [own, second.#added[unit]!].map((added) => added.get(0) === 1)
      if (right !== otherRight) counts[right ? 0 : 1]++
    }
    return counts
  }
}
