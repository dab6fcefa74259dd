/** What a unit adds to sums, by the sum's place. */
export type Added = ReadonlyMap<number, number>

/** Units that add the same to sums are of one kind; the largest kind is first. Flat, since there may be one a unit. */
export interface Kinds {
  count: number
  /** The units of kind k are unit[unitStart[k]] to before unit[unitStart[k + 1]]. */
  unitStart: Int32Array
  unit: Int32Array
  /** What kind k adds is from addendStart[k] to before addendStart[k + 1]. */
  addendStart: Int32Array
  component: Int32Array
  value: Float64Array
}

interface Kind {
  added: [component: number, value: number][]
  units: number[]
}

/** Returns the kinds of units. */
export function kindsOf(added: readonly Added[]): Kinds {
  const found = new Map<string, Kind>()
  for (const [unit, own] of added.entries()) {
    const sorted = [...own].sort(([a], [b]) => a - b)
    const key = sorted.join(' ')
    const kind = found.get(key) ?? { added: sorted, units: [] }
    kind.units.push(unit)
    found.set(key, kind)
  }
  const kinds = [...found.values()].sort((a, b) => b.units.length - a.units.length)
  const addends = kinds.flatMap((kind) => kind.added)
  return {
    count: kinds.length,
    unitStart: startsOf(kinds.map(({ units }) => units.length)),
    unit: Int32Array.from(kinds.flatMap(({ units }) => units)),
    addendStart: startsOf(kinds.map((kind) => kind.added.length)),
    component: Int32Array.from(addends, ([component]) => component),
    value: Float64Array.from(addends, ([, value]) => value),
  }
}

/** Returns where each list starts that follows the ones before it, and where the last one ends. */
function startsOf(lengths: readonly number[]): Int32Array {
  const starts = new Int32Array(lengths.length + 1)
  for (const [i, length] of lengths.entries()) starts[i + 1] = starts[i]! + length
  return starts
}
