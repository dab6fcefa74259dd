import { assertNever } from '../../base/assert_never.js'
import { isSeed } from '../../experiment/seeds.js'
import { type Spread, spread, spreadOfScores } from '../../run/compare/spread.js'
import type { Result } from '../../run/directory.js'
import { taskScore } from '../../task/metrics/direction.js'
import { withoutSeeds } from '../plan/kind.js'
import { type CellState, cellState, type PlannedSweep, readPlanned } from '../run/folder.js'
import { type BestCell, bestCells, bestOf } from './best.js'
import { unlikeCells } from './unlike.js'

type Axes = Record<string, unknown>

/** What of a run's result a sweep's results have. */
const SHOWN = [
  ...(['validation', 'test', 'chance', 'best_step', 'seconds', 'step_seconds', 'peak_memory_bytes'] as const),
  ...(['trained_parameters', 'share_percent'] as const),
]

/** A cell and its state so far. */
export type CellRow = { index: number; name: string; axes: Axes; task: string; backbone: string } & (
  | ({ state: 'finished' } & Pick<Result, (typeof SHOWN)[number]>)
  | { state: 'failed'; reason: string }
  | { state: 'running' | 'stopped'; step: number; steps?: number }
  | { state: 'waiting' }
)
export type FinishedCell = Extract<CellRow, { state: 'finished' }>

/** Finished cells that differ only in seeds; sample standard deviation. */
export interface SummaryRow {
  task: string
  axes: Axes
  runs: number
  /** The number of cells of the setting, finished or not. */
  cells: number
  validation: Record<string, Spread>
  test: Record<string, Spread>
  /** Means over the metrics of the task, by which best checkpoints and best cells are chosen. */
  validation_score: Spread
  test_score: Spread
}

/** The results of a sweep so far: what results.json holds and --json prints. */
export interface SweepResults {
  name: string
  folder: string
  axes: string[]
  /** The axes whose values are repetitions. */
  seeds: string[]
  cells: CellRow[]
  summary: SummaryRow[]
  /** For every value of every other axis the row that is best on validation, for each task. */
  best: ({ axis: string; value: unknown } & SummaryRow)[]
  /** The cell to use for each task. */
  best_cell: BestCell[]
  /** Warnings about rows whose cells were trained on different rows or weights. */
  cautions: string[]
}

export const STATES = ['finished', 'running', 'stopped', 'waiting', 'failed'] as const

/** Reads the results of a sweep's cells. @throws UserError where the folder is not a sweep's. */
export async function readResults(folder: string): Promise<SweepResults> {
  const planned = readPlanned(folder)
  const states = await Promise.all(planned.cells.map(({ name }) => cellState(folder, name)))
  const cells = planned.cells.map((cell, index) => rowOf(cell, index, states[index]!))
  const rows = rowsOf(cells)
  const summary = rows.flatMap(summaryOf)
  const { name, axes } = planned
  const best = bestOf(axes, summary)
  const best_cell = bestCells(folder, cells, summary)
  const cautions = unlikeCells(folder, rows)
  return { name, folder, axes, seeds: axes.filter(isSeed), cells, summary, best, best_cell, cautions }
}

function rowOf({ name, axes, experiment }: PlannedSweep['cells'][number], index: number, state: CellState): CellRow {
  const head = { index, name, axes, task: experiment.task.name, backbone: experiment.backbone.name }
  switch (state.state) {
    case 'finished':
      return { ...head, state: state.state, ...picked(state.result) }
    case 'running':
    case 'stopped': {
      const { steps } = experiment.training
      return { ...head, ...state, ...(steps !== undefined && { steps }) }
    }
    case 'failed':
    case 'waiting':
      return { ...head, ...state }
    default:
      return assertNever(state, 'state of a cell')
  }
}

function picked(result: Result): Pick<Result, (typeof SHOWN)[number]> {
  const known = SHOWN.filter((key) => result[key] !== undefined)
  return Object.fromEntries(known.map((key) => [key, result[key]])) as Pick<Result, (typeof SHOWN)[number]>
}

/** Groups cells that differ only in seeds. */
function rowsOf(cells: readonly CellRow[]): CellRow[][] {
  const rows = new Map<string, CellRow[]>()
  for (const cell of cells) {
    const key = JSON.stringify([cell.task, withoutSeeds(cell.axes)])
    rows.set(key, [...(rows.get(key) ?? []), cell])
  }
  return [...rows.values()]
}

/** Returns nothing for a row without finished cells. */
function summaryOf(cells: readonly CellRow[]): SummaryRow[] {
  const runs = cells.filter((cell): cell is FinishedCell => cell.state === 'finished')
  if (runs.length === 0) return []
  const scores = (split: 'validation' | 'test') => runs.map((run) => run[split])
  return [
    {
      task: runs[0]!.task,
      axes: withoutSeeds(runs[0]!.axes),
      runs: runs.length,
      cells: cells.length,
      validation: spreadOfScores(scores('validation')),
      test: spreadOfScores(scores('test')),
      validation_score: spread(scores('validation').map(taskScore)),
      test_score: spread(scores('test').map(taskScore)),
    },
  ]
}
