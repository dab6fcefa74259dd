import { Addends, Additive } from '../../statistics/additive.js'
import type { ScoredRows } from './scored_rows.js'

const meanOf = ([sum, count]: Float64Array): number => (count === 0 ? 0 : (100 * sum!) / count!)

/**
 * Returns the mean × 100 of a number in [0, 1] for each row. It is binary where each row is a unit and either right or
 * wrong.
 */
export function meanOfRows({ rows, unitOf, units }: ScoredRows, scoreOfRow: (row: number) => number): Additive {
  const scores = rows.map((_, row) => scoreOfRow(row))
  const addends = new Addends(units)
  for (const [row, score] of scores.entries()) {
    addends.add(unitOf[row]!, 0, score)
    addends.add(unitOf[row]!, 1)
  }
  const binary = units === rows.length && scores.every((score) => score === 0 || score === 1)
  return new Additive(addends, { components: 2, score: meanOf, binary })
}

/** Returns the share × 100 of groups with every row right. */
export function groupExactMatch({ rows, unitOf, units }: ScoredRows): Additive {
  const right = new Uint8Array(units).fill(1)
  for (const [row, { prediction, target }] of rows.entries())
    if (prediction.trim() !== target.trim()) right[unitOf[row]!] = 0
  const addends = new Addends(units)
  for (const [unit, value] of right.entries()) {
    addends.add(unit, 0, value)
    addends.add(unit, 1)
  }
  return new Additive(addends, { components: 2, score: meanOf, binary: true })
}
