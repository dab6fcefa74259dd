import { type Bits, onesAmong } from './bits.js'
import { type Kinds, kindsOf } from './kinds.js'
import type { Resampled } from './resampled.js'

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
export class Additive implements Resampled<Additive> {
  readonly units: number
  readonly binary: boolean
  readonly observed: number
  readonly #score
  readonly #added
  readonly #kinds: Kinds
  readonly #sums: Float64Array
  readonly #total: Float64Array

  constructor({ added }: Addends, { components, score, binary = false }: AdditiveOptions) {
    this.units = added.length
    this.binary = binary
    this.#score = score
    this.#added = added
    this.#kinds = kindsOf(added, { all: true })
    this.#sums = new Float64Array(components)
    this.observed = this.of(new Int32Array(added.length).fill(1))
    this.#total = this.#sums.slice()
  }

  of(counts: Int32Array): number {
    const { count, unitStart, unit, addendStart, component, value } = this.#kinds
    const sums = this.#sums.fill(0)
    let left = 0
    for (let u = 0; u < counts.length; u++) left += counts[u]!
    for (let kind = count - 1; kind >= 0; kind--) {
      let drawn = 0
      if (kind > 0) for (let i = unitStart[kind]!; i < unitStart[kind + 1]!; i++) drawn += counts[unit[i]!]!
      else drawn = left // the largest kind has what the others leave
      left -= drawn
      for (let i = addendStart[kind]!; i < addendStart[kind + 1]!; i++) sums[component[i]!]! += drawn * value[i]!
    }
    return this.#score(sums)
  }

  against(second: Additive): (bits: Bits) => number {
    const { count, unitStart, addendStart, component, value } = this.#changes(second)
    const delta = new Float64Array(this.#sums.length)
    const [first, other] = [delta.slice(), delta.slice()]
    let [several, word, left] = [0, 0, 0]
    while (several < count && unitStart[several + 1]! - unitStart[several]! > 1) several++
    const exchange = (kind: number, times: number) => {
      for (let i = addendStart[kind]!; i < addendStart[kind + 1]!; i++) delta[component[i]!]! += times * value[i]!
    }
    return (bits) => {
      delta.fill(0)
      for (let kind = 0; kind < several; kind++)
        exchange(kind, onesAmong(bits, unitStart[kind + 1]! - unitStart[kind]!))
      for (let kind = several; kind < count; kind++, word >>>= 1, left--) {
        if (left === 0) [word, left] = [bits.word(), 32]
        if ((word & 1) === 1) exchange(kind, 1)
      }
      for (let k = 0; k < delta.length; k++) {
        first[k] = this.#total[k]! + delta[k]!
        other[k] = second.#total[k]! - delta[k]!
      }
      return this.#score(first) - this.#score(other)
    }
  }

  /** Returns how many units the first alone has right, and how many the second alone, of binary scores. */
  discordant(second: Additive): [onlyFirst: number, onlySecond: number] {
    const { count, unitStart, addendStart, value } = this.#changes(second)
    const counts: [number, number] = [0, 0]
    for (let kind = 0; kind < count; kind++)
      counts[value[addendStart[kind]!]! > 0 ? 1 : 0] += unitStart[kind + 1]! - unitStart[kind]!
    return counts
  }

  /** Returns what the exchange of units adds to the first one's sums, for those units where that is not nothing. */
  #changes(second: Additive): Kinds {
    const changes = this.#added.map((own, unit) => {
      const change = new Map(second.#added[unit])
      for (const [component, value] of own) change.set(component, (change.get(component) ?? 0) - value)
      for (const [component, value] of change) if (value === 0) change.delete(component)
      return change
    })
    return kindsOf(changes, { all: false })
  }
}
