import { join } from 'node:path'
import { isSeed } from '../../experiment/seeds.js'
import type { Spread } from '../../run/compare/spread.js'
import { bestFirst, taskScore } from '../../task/metrics/direction.js'
import { withoutSeeds } from '../plan/kind.js'
import type { CellRow, FinishedCell, SummaryRow } from './results.js'

/** The cell of a sweep to use: in the setting with the best mean on validation, the cell with the best score there. */
export interface BestCell {
  task: string
  name: string
  /** The run directory, for `compacter eval` and `export`. */
  folder: string
  axes: Record<string, unknown>
  /** The cell's own score on validation. */
  validation_score: number
  /** The score over all finished cells of its setting. */
  setting_score: Spread
  /** How many other cells are equally good; this one is the first of them in the sweep's order. */
  ties: number
}

/**
 * Returns, for every value of every axis except seeds, the row that is best on validation. Scores of different tasks
 * are not compared.
 */
export function bestOf(
  axes: readonly string[],
  summary: readonly SummaryRow[],
): ({ axis: string; value: unknown } & SummaryRow)[] {
  const tasks = tasksOf(summary)
  return axes
    .filter((axis) => !isSeed(axis))
    .flatMap((axis) => {
      const rows = summary.filter((row) => Object.hasOwn(row.axes, axis))
      const values = new Map(rows.map((row) => [JSON.stringify(row.axes[axis]), row.axes[axis]]))
      return [...values].flatMap(([text, value]) =>
        tasks.flatMap((task) => {
          const own = rows.filter((row) => row.task === task && JSON.stringify(row.axes[axis]) === text)
          return own.length === 0 ? [] : [{ axis, value, ...bestBy(own, meanOf)[0]! }]
        }),
      )
    })
}

/** Returns the best cell of every task that has more than one cell. */
export function bestCells(folder: string, cells: readonly CellRow[], summary: readonly SummaryRow[]): BestCell[] {
  return tasksOf(summary).flatMap((task) => {
    const own = cells.filter((cell) => cell.task === task)
    const settings = bestBy(
      summary.filter((row) => row.task === task),
      meanOf,
    )
    const good = settings.flatMap((row) => bestBy(finishedOf(row, own), ({ validation }) => taskScore(validation)))
    const [cell] = good
    if (own.length < 2 || !cell) return []
    const { name, axes, validation } = cell
    return [
      {
        ...{ task, name, folder: join(folder, name), axes, validation_score: taskScore(validation) },
        ...{ setting_score: settings[0]!.validation_score, ties: good.length - 1 },
      },
    ]
  })
}

const tasksOf = (summary: readonly SummaryRow[]) => [...new Set(summary.map(({ task }) => task))]

const finishedOf = ({ axes }: SummaryRow, cells: readonly CellRow[]) =>
  cells.filter(
    (cell): cell is FinishedCell =>
      cell.state === 'finished' && JSON.stringify(withoutSeeds(cell.axes)) === JSON.stringify(axes),
  )

const meanOf = ({ validation_score }: SummaryRow) => validation_score.mean

/** Returns the rows of one task that no other row beats, in their order. */
function bestBy<T extends FinishedCell | SummaryRow>(rows: readonly T[], scoreOf: (row: T) => number): T[] {
  const scores = rows.map(scoreOf)
  const [best] = scores.toSorted(bestFirst(Object.keys(rows[0]?.validation ?? {})))
  return rows.filter((_, i) => scores[i] === best)
}
