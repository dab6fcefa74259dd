import { type Range, rangeOf } from '../../base/numbers/range.js'
import { methodName } from '../../experiment/method_name.js'
import type { Experiment } from '../../experiment/schema.js'
import { isSeed } from '../../experiment/seeds.js'
import { type Spread, spread } from '../../run/compare/spread.js'
import { bestFirst, lowerScoreIsBetter } from '../../task/metrics/direction.js'
import { withoutSeeds } from '../plan/kind.js'
import { axisLabel } from '../plan/names.js'
import { type PlannedSweep, readPlanned } from '../run/folder.js'
import { PUBLISHED, PUBLISHED_IN, type Published } from './published.js'
import { type FinishedCell, readResults, type SummaryRow, type SweepResults } from './results.js'

/** Axes that are searched: of their values the one is shown that is best on validation, for each task by itself. */
const SEARCHED = ['method.reduction_factor', 'training.learning_rate']

/** A method's score on one task: that of the setting which is best on validation. */
export interface PaperScore {
  test: Spread
  validation: Spread
  /** The metrics of the task, of whose mean both are. */
  metrics: string[]
  /** The searched values. */
  setting: Record<string, unknown>
  /** Cells of the method and task that are finished, and all of them: seeds and settings. */
  runs: number
  cells: number
}

export interface PaperRow {
  method: string
  /** In the order of the table's tasks; null where nothing is finished. */
  scores: (PaperScore | null)[]
  /** Mean test score, where every task has one. */
  average: number | null
  trained_parameters: Range | null
  share_percent: Range | null
  /** Of a table of one task: time of a step and peak memory, less full fine-tuning's, in percent of it. */
  time_percent: number | null
  memory_percent: number | null
  paper: Published
}

/** A sweep in the form of the paper's tables: methods × tasks. What `--table paper --json` prints. */
export interface PaperTable {
  name: string
  folder: string
  tasks: string[]
  rows: PaperRow[]
  /** What the paper's numbers are from. */
  source: string
  runs: number
  cells: number
  cautions: string[]
}

/** A row before it is named and compared: its cells by task. */
interface Line {
  method: string
  /** What distinguishes it besides the method: its backbone, and axes that are not of the method. */
  others: string
  /** By task: its cells' places in the sweep. */
  cells: Map<string, number[]>
}

/** Reads a sweep's folder as a table of methods and tasks. @throws UserError where the folder is not a sweep's. */
export async function readPaperTable(folder: string): Promise<PaperTable> {
  const results = await readResults(folder)
  const planned = readPlanned(folder)
  const tasks = [...new Set(results.cells.map(({ task }) => task))]
  const lines = linesOf(planned)
  const chosen = lines.map(({ cells }) => tasks.map((task) => choose(results, cells.get(task) ?? [])))
  const rows = lines.map((line, i): PaperRow => {
    const full = lines.findIndex(({ method, others }) => method === 'full' && others === line.others)
    const costs = tasks.length === 1 && full !== i ? costsOf(chosen[i]![0], chosen[full]?.[0]) : undefined
    return rowOf(`${line.method}${line.others}`, PUBLISHED[line.method] ?? {}, chosen[i]!, costs)
  })
  const { name, cells, cautions } = results
  const runs = cells.filter(({ state }) => state === 'finished').length
  return { name, folder, tasks, rows, source: PUBLISHED_IN, runs, cells: cells.length, cautions }
}

function linesOf({ cells, axes }: PlannedSweep): Line[] {
  const lines = new Map<string, Line>()
  const several = new Set(cells.map(({ experiment }) => experiment.backbone.name)).size > 1
  for (const [i, cell] of cells.entries()) {
    const method = nameOf(cell.experiment, axes)
    const others = (several ? ` on ${cell.experiment.backbone.name}` : '') + othersOf(cell.axes, axes)
    const key = JSON.stringify([method, others])
    const line = lines.get(key) ?? { method, others, cells: new Map() }
    const task = cell.experiment.task.name
    line.cells.set(task, [...(line.cells.get(task) ?? []), i])
    lines.set(key, line)
  }
  return [...lines.values()]
}

/** Names a method without what is searched. */
function nameOf({ method }: Experiment, axes: readonly string[]): string {
  const name = methodName(method)
  return axes.includes('method.reduction_factor') ? name.replace(/, reduction_factor = \d+/, '') : name
}

/** Keys that the table shows in another way: as the method's name, the backbone's, or a column. */
const SHOWN = /^(method|backbone|task\.(preset|name)|task$)/

function othersOf(values: Record<string, unknown>, axes: readonly string[]): string {
  return Object.entries(values)
    .filter(([key]) => !SHOWN.test(key) && !SEARCHED.includes(key) && !isSeed(key))
    .map(([key, value]) => `, ${axisLabel(key, axes)} = ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')
}

/** The best setting of a method on a task, and its finished cells. */
interface Chosen {
  score: PaperScore
  runs: FinishedCell[]
}

function choose({ cells, summary }: SweepResults, places: readonly number[]): Chosen | undefined {
  const own = places.map((i) => cells[i]!)
  const finished = own.filter((cell) => cell.state === 'finished')
  const settingOf = ({ task, axes }: { task: string; axes: object }) => JSON.stringify([task, axes])
  const settings = new Set(finished.map(({ task, axes }) => settingOf({ task, axes: withoutSeeds(axes) })))
  const rows = summary.filter((row) => settings.has(settingOf(row)))
  const first = rows[0]
  if (!first) return undefined
  const metrics = Object.keys(first.validation)
  const better = bestFirst(metrics)
  const best = rows.reduce((best, row) => (better(meanOf(row), meanOf(best)) < 0 ? row : best))
  const setting = Object.fromEntries(Object.entries(best.axes).filter(([key]) => SEARCHED.includes(key)))
  const runs = finished.filter(({ task, axes }) => settingOf({ task, axes: withoutSeeds(axes) }) === settingOf(best))
  const scores = { test: best.test_score, validation: best.validation_score }
  return { score: { ...scores, metrics, setting, runs: finished.length, cells: own.length }, runs }
}

const meanOf = ({ validation_score }: SummaryRow) => validation_score.mean

function rowOf(
  method: string,
  paper: Published,
  chosen: readonly (Chosen | undefined)[],
  costs: Pick<PaperRow, 'time_percent' | 'memory_percent'> = { time_percent: null, memory_percent: null },
): PaperRow {
  const runs = chosen.flatMap((one) => one?.runs ?? [])
  const scores = chosen.map((one) => one?.score ?? null)
  return {
    method,
    scores,
    average: averageOf(scores),
    trained_parameters: rangeOf(runs.map(({ trained_parameters }) => trained_parameters)),
    share_percent: rangeOf(runs.map(({ share_percent }) => share_percent)),
    ...costs,
    paper,
  }
}

/** Errors are in units of their own, of which there is no mean over tasks. */
function averageOf(scores: PaperRow['scores']): number | null {
  const known = scores.filter((score) => score !== null)
  if (known.length < scores.length || scores.length < 2) return null
  if (known.some(({ metrics }) => lowerScoreIsBetter(metrics))) return null
  return spread(known.map(({ test }) => test.mean)).mean
}

/** Compares the cost of a method's runs with that of full fine-tuning's. */
function costsOf(own: Chosen | undefined, full: Chosen | undefined): Pick<PaperRow, 'time_percent' | 'memory_percent'> {
  const relative = (of: (cell: FinishedCell) => number | undefined): number | null => {
    const [ours, theirs] = [own, full].map((chosen) => chosen?.runs.flatMap((run) => of(run) ?? []) ?? [])
    if (ours!.length === 0 || theirs!.length === 0) return null
    return 100 * (spread(ours!).mean / spread(theirs!).mean - 1)
  }
  return {
    time_percent: relative(({ step_seconds }) => step_seconds),
    memory_percent: relative(({ peak_memory_bytes }) => peak_memory_bytes),
  }
}
