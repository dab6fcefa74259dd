import type { Resampled } from './resampled.js'

/** What rows add to sums, as a growing list in any order. */
export class Addends {
  readonly unit: number[] = []
  readonly component: number[] = []
  readonly value: number[] = []

  add(unit: number, component: number, value = 1): void {
    if (value === 0) return
    this.unit.push(unit)
    this.component.push(component)
    this.value.push(value)
  }
}

interface AdditiveOptions {
  units: number
  /** The number of sums. */
  components: number
  /** Makes the score of the sums. */
  score: (sums: Float64Array) => number
  /** Whether the score is a mean of units that are each right (1) or wrong (0), which component 0 counts. */
  binary?: boolean
}

/**
 * A score of sums over units: a mean, F1, Matthews' or Pearson's correlation. Each unit has a short list of addends,
 * since most of many classes' counts are 0.
 */
export class Additive implements Resampled<Additive> {
  readonly units: number
  readonly binary: boolean
  readonly observed: number
  readonly #score
  readonly #sums: Float64Array
  /** The addends of unit u are from start[u] to before start[u + 1]. */
  readonly #start: Int32Array
  readonly #component: Int32Array
  readonly #value: Float64Array
  readonly #total: Float64Array

  constructor({ unit, component, value }: Addends, { units, components, score, binary = false }: AdditiveOptions) {
    this.units = units
    this.binary = binary
    this.#score = score
    this.#sums = new Float64Array(components)
    this.#start = new Int32Array(units + 1)
    for (const each of unit) this.#start[each + 1]!++
    for (let u = 0; u < units; u++) this.#start[u + 1]! += this.#start[u]!
    const next = this.#start.slice(0, units)
    this.#component = new Int32Array(unit.length)
    this.#value = new Float64Array(unit.length)
    for (const [i, each] of unit.entries()) {
      const place = next[each]!++
      this.#component[place] = component[i]!
      this.#value[place] = value[i]!
    }
    this.observed = this.of(new Int32Array(units).fill(1))
    this.#total = this.#sums.slice()
  }

  of(counts: Int32Array): number {
    const [sums, start, component, value] = [this.#sums.fill(0), this.#start, this.#component, this.#value]
    for (let u = 0; u < counts.length; u++) {
      const count = counts[u]!
      if (count === 0) continue
      const end = start[u + 1]!
      for (let i = start[u]!; i < end; i++) sums[component[i]!]! += count * value[i]!
    }
    return this.#score(sums)
  }

  against(second: Additive): (exchange: Uint8Array) => number {
    const { unit, start, component, value } = this.#changes(second)
    const delta = new Float64Array(this.#sums.length)
    const [first, other] = [delta.slice(), delta.slice()]
    return (exchange) => {
      delta.fill(0)
      for (let at = 0; at < unit.length; at++) {
        if (exchange[unit[at]!] === 0) continue
        const end = start[at + 1]!
        for (let i = start[at]!; i < end; i++) delta[component[i]!]! += value[i]!
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
    const { unit, start, value } = this.#changes(second)
    let gained = 0
    for (let at = 0; at < unit.length; at++) if (value[start[at]!]! > 0) gained++
    return [unit.length - gained, gained]
  }

  /** Whether both add the same in every unit. */
  same(second: Additive): boolean {
    return this.#changes(second).unit.length === 0
  }

  /** Returns what an exchange adds to the first one's sums, for those units where that is not nothing. */
  #changes(second: Additive) {
    const delta = new Float64Array(this.#sums.length)
    const found = new Addends()
    const start = [0]
    const unit: number[] = []
    for (let u = 0; u < this.units; u++) {
      const touched: number[] = []
      for (const [of, sign] of [[this, -1] as const, [second, 1] as const])
        for (let i = of.#start[u]!; i < of.#start[u + 1]!; i++) {
          const component = of.#component[i]!
          if (!touched.includes(component)) touched.push(component)
          delta[component]! += sign * of.#value[i]!
        }
      for (const component of touched) {
        found.add(u, component, delta[component])
        delta[component] = 0
      }
      if (found.unit.length === start.at(-1)) continue
      unit.push(u)
      start.push(found.unit.length)
    }
    return {
      unit: Int32Array.from(unit),
      start: Int32Array.from(start),
      component: Int32Array.from(found.component),
      value: Float64Array.from(found.value),
    }
  }
}
