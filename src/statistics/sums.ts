import { dot } from './dot.js'
import { type Added, type Kinds, kindsOf } from './kinds.js'

/** Returns the sums over a selection that has the unit u `counts[u]` times. */
export type Sums = (counts: Int32Array) => Float64Array

/** More sums than this are mostly of zeros. */
const MOST_COLUMNS = 16

/** Returns the way to add up units that is fast for them: by their kinds, or in columns where most are of their own. */
export function sumsOf(added: readonly Added[], components: number): Sums {
  const kinds = kindsOf(added)
  const inColumns = 2 * kinds.count > added.length && components <= MOST_COLUMNS
  return inColumns ? columnSums(added, components) : kindSums(kinds, components)
}

function columnSums(added: readonly Added[], components: number): Sums {
  const columns = Array.from({ length: components }, (_, component) =>
    Float64Array.from(added, (own) => own.get(component) ?? 0),
  )
  return (counts) => Float64Array.from(columns, (column) => dot(counts, column))
}

function kindSums({ count, unitStart, unit, addendStart, component, value }: Kinds, components: number): Sums {
  return (counts) => {
    const sums = new Float64Array(components)
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
}
