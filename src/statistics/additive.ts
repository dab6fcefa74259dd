import { type Kinds, kindsOf } from './kinds.js'
import type { Against, Resampled } from './resampled.js'

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

/**
 * A score of sums over units: a mean, F1, Matthews' or Pearson's correlation. A resample only counts how many units of
 * each kind it has.
 */
export class Additive implements Resampled<Additive, Float64Array> {
  readonly units: number
  readonly binary: boolean
  readonly observed: number
  readonly #score
  readonly #added
  readonly #kinds: Kinds
  readonly #components: number
  readonly #total: Float64Array

  constructor({ added }: Addends, { components, score, binary = false }: AdditiveOptions) {
    this.units = added.length
    this.binary = binary
    this.#score = score
    this.#added = added
    this.#kinds = kindsOf(added)
    this.#components = components
    this.#total = this.part(new Int32Array(added.length).fill(1))
    this.observed = score(this.#total)
  }

  of(counts: Int32Array): number {
    return this.#score(this.part(counts))
  }

  /** Returns the sums over a selection that has the unit u `counts[u]` times. */
  part(counts: Int32Array): Float64Array {
    const { count, unitStart, unit, addendStart, component, value } = this.#kinds
    const sums = new Float64Array(this.#components)
    let left = 0
    for (let u = 0; u < counts.length; u++) left += counts[u]!
    for (let kind = count - 1; kind >= 0; kind--) {
      let drawn = 0
      if (kind > 0) for (let i = unitStart[kind]!; i < unitStart[kind + 1]!; i++) drawn += counts[unit[i]!]!
      else drawn = left // the largest kind has what the others leave
      if (drawn === 0) continue
      left -= drawn
      for (let i = addendStart[kind]!; i < addendStart[kind + 1]!; i++) sums[component[i]!]! += drawn * value[i]!
    }
    return sums
  }

  against(second: Additive): Against<Float64Array> {
    const [first, after] = [new Float64Array(this.#components), new Float64Array(this.#components)]
    const difference = (part: Float64Array, other: Float64Array) => {
      for (let k = 0; k < first.length; k++) {
        const moved = other[k]! - part[k]!
        first[k] = this.#total[k]! + moved
        after[k] = second.#total[k]! - moved
      }
      return this.#score(first) - this.#score(after)
    }
    return { difference }
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
