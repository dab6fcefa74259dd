import type { TagMetric } from '../../task/metrics/entities.js'
import type { Classes, TaskMetric, Wanted } from '../../task/metrics/metrics.js'
import type { TaskOptions } from '../../task/options.js'

/** A row as it was answered. */
export interface AnsweredRow extends Wanted {
  prediction: string
}

/** The answers to the rows of a split, and what their metrics need to know of the task. */
export interface ScoredRows {
  kind: TaskOptions['kind']
  rows: readonly AnsweredRow[]
  /** Set for a classification. */
  classes?: Classes | undefined
  /** The unit that each row belongs to, from 0: its group, or itself. */
  unitOf: Int32Array
  units: number
}

export type AnyMetric = TaskMetric | TagMetric

/** Returns the units of rows: groups of rows that belong together are drawn together. */
export function unitsOf(rows: readonly Pick<AnsweredRow, 'group'>[]): Pick<ScoredRows, 'unitOf' | 'units'> {
  const groups = new Map<string, number>()
  let units = 0
  const unitOf = Int32Array.from(rows, ({ group }) => {
    const known = group === undefined ? undefined : groups.get(group)
    if (known !== undefined) return known
    if (group !== undefined) groups.set(group, units)
    return units++
  })
  return { unitOf, units }
}
