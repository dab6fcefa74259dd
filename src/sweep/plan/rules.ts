import { isDeepStrictEqual } from 'node:util'
import type { Path } from '../../base/yaml/source.js'
import { type Fault, shown } from '../../experiment/wording.js'
import { isPreset, misspelt } from './misspelt.js'
import type { Rule, Sweep } from './schema.js'

/** A value that a cell gives one key of the experiment, and where the sweep file says so. */
export interface Assignment {
  key: string
  value: unknown
  at: Path
}

/** The values that distinguish a cell from the others, and those that rules set for it besides. */
export interface Assigned {
  axes: Assignment[]
  sets: Assignment[]
}

export const KEEP_ONE = 'Keep one of the two.'

export const isWithin = (key: string, of: string) => key === of || key.startsWith(`${of}.`)

/** What a name alone stands for: `backbone: t5-small` is `backbone: { name: t5-small }`. */
const NAMED: Record<string, string> = { backbone: 'backbone.name', method: 'method.preset', task: 'task.preset' }

/** Returns the axis whose values replace this one of the same cells. */
export const replacing = (key: string, value: unknown, axes: readonly string[]): string | undefined =>
  axes.find((axis) => isWithin(key, axis) || (typeof value === 'string' && axis === NAMED[key]))

/**
 * Applies a sweep's rules, in order, to its cells: each gives the cells that it is for its values, and one cell for
 * every combination of its axes. Problems go into `faults`.
 */
export function applyRules({ rules = [] }: Sweep, cells: readonly Assignment[][], faults: Fault[]): Assigned[] {
  return rules.reduce<Assigned[]>(
    (all, rule, i) => {
      const matched = all.filter(({ axes }) => matches(rule, axes))
      faults.push(...matchFaults(rule, i, all), ...replacedFaults(rule, i, matched))
      return all.flatMap((cell) => (matches(rule, cell.axes) ? applied(rule, i, cell) : [cell]))
    },
    cells.map((axes) => ({ axes, sets: [] })),
  )
}

const matches = ({ when }: Rule, axes: readonly Assignment[]): boolean =>
  Object.entries(when).every(([key, values]) => {
    const own = axes.find((axis) => axis.key === key)
    return own !== undefined && values.some((value) => isDeepStrictEqual(value, own.value))
  })

function applied({ set, axes = {} }: Rule, i: number, cell: Assigned): Assigned[] {
  const sets = Object.entries(set).map(([key, value]) => ({ key, value, at: ['rules', i, 'set', key] }))
  const combined = Object.entries(axes).reduce<Assignment[][]>(
    (some, [key, values]) =>
      some.flatMap((one) => values.map((value, j) => [...one, { key, value, at: ['rules', i, 'axes', key, j] }])),
    [cell.axes],
  )
  return combined.map((own) => ({ axes: own, sets: [...cell.sets, ...sets] }))
}

/**
 * Refuses keys and values in `when` that no cell has: a rule that is for nothing is a mistake. Where the rule has the
 * right name of a preset and cells have a wrong one, the mistake is theirs.
 */
function matchFaults({ when }: Rule, i: number, cells: readonly Assigned[]): Fault[] {
  return Object.entries(when).flatMap(([key, values]): Fault[] => {
    const path = ['rules', i, 'when', key]
    const own = cells.flatMap(({ axes }) => axes.filter((axis) => axis.key === key))
    const known = own.map(({ value }) => value)
    if (known.length === 0) {
      const axes = [...new Set(cells.flatMap(({ axes }) => axes.map((axis) => axis.key)))]
      const problem = `rules.${i}.when has ${key}, which is not an axis of any cell.`
      return [{ path, problem, remedy: `Axes: ${axes.join(', ')}.` }]
    }
    return values.flatMap((value, j) => {
      if (known.some((one) => isDeepStrictEqual(one, value))) return []
      const wrong = misspelt(key, own)
      if (wrong.length > 0 && isPreset(key, value)) return wrong
      const problem = `rules.${i}.when.${key} has ${shown(value)}, which no cell has.`
      const have = [...new Set(known.map((one) => shown(one)))].join(', ')
      return [...wrong, { path: [...path, j], problem, remedy: `Cells have ${have}.` }]
    })
  })
}

/** Refuses values that the cell's own axis replaces, and an axis that the cell has already. */
function replacedFaults({ set, axes = {} }: Rule, i: number, matched: readonly Assigned[]): Fault[] {
  const own = [...new Set(matched.flatMap((cell) => cell.axes.map(({ key }) => key)))]
  const added = Object.keys(axes)
  const replaced = (section: string, key: string, axis: string | undefined): Fault[] => {
    if (axis === undefined) return []
    const problem = `rules.${i}.${section}.${key} is for cells that have values of ${axis} already.`
    return [{ path: ['rules', i, section, key], problem, remedy: KEEP_ONE }]
  }
  return [
    ...Object.entries(set).flatMap(([key, value]) => replaced('set', key, replacing(key, value, [...own, ...added]))),
    ...added.flatMap((key) =>
      replaced(
        'axes',
        key,
        own.find((axis) => axis === key),
      ),
    ),
  ]
}
