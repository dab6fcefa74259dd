import type { Result } from '../run/directory.js'
import { type Spread, spread, spreadOfScores } from '../sweep/spread.js'
import { changedKeys, type Leaves, methodName, shownOf } from './method_name.js'
import type { ReportRun } from './run_files.js'
import { seedsOf, settingsOf, shownKey } from './settings.js'

export type FinishedRun = ReportRun & { result: Result }

/** Runs that differ in nothing but seeds. */
export interface Group {
  /** The row of a table: the method and what else tells the group from others on the same task. */
  method: string
  /** The column: the task, with the number of training rows where a subset was trained on. */
  task: string
  runs: ReportRun[]
  /** One for each of the seeds: what scores are of. */
  finished: FinishedRun[]
  /** Those that are the same as a finished one, seeds too: a copy, or the same trained again. */
  repeated: FinishedRun[]
}

/** Over a group's finished runs. A task's score is the mean of its metrics. */
export interface Summary {
  runs: number
  validation: Record<string, Spread>
  test: Record<string, Spread>
  score: Spread
}

/** Runs of the same settings, not yet named. */
interface Unnamed {
  column: string
  method: string
  settings: Leaves
  runs: ReportRun[]
}

/** In the order of the runs. */
export function groupRuns(runs: readonly ReportRun[]): Group[] {
  const groups = new Map<string, Unnamed>()
  const columnOf = columnsOf(runs)
  for (const run of runs) {
    const column = columnOf(run)
    const settings = settingsOf(run)
    const key = JSON.stringify([column, ...[...settings].sort(([a], [b]) => (a < b ? -1 : 1))])
    const group = groups.get(key) ?? { column, method: methodName(run.experiment.method), settings, runs: [] }
    group.runs.push(run)
    groups.set(key, group)
  }
  const all = [...groups.values()]
  const names = all.map((group) => rowName(group, all))
  return all.map(({ column, runs }, i) => {
    const alike = all.filter((other, j) => j < i && other.column === column && names[j] === names[i]).length
    return { method: alike === 0 ? names[i]! : `${names[i]} (${alike + 1})`, task: column, runs, ...finishedOf(runs) }
  })
}

function finishedOf(runs: readonly ReportRun[]): Pick<Group, 'finished' | 'repeated'> {
  const finished = new Map<string, FinishedRun>()
  const repeated: FinishedRun[] = []
  for (const run of runs) {
    if (!isFinished(run)) continue
    const seeds = seedsOf(run)
    if (finished.has(seeds)) repeated.push(run)
    else finished.set(seeds, run)
  }
  return { finished: [...finished.values()], repeated }
}

const isFinished = (run: ReportRun): run is FinishedRun => run.result !== undefined

/** Undefined where no run is finished. */
export function summaryOf({ finished }: Group): Summary | undefined {
  if (finished.length === 0) return undefined
  const over = (split: 'validation' | 'test') => spreadOfScores(finished.map(({ result }) => result[split]))
  const score = spread(finished.map(({ result }) => scoreOf(result)))
  return { runs: finished.length, validation: over('validation'), test: over('test'), score }
}

/** A run's test score: the mean of its metrics. */
export const scoreOf = ({ test }: Result): number => spread(Object.values(test)).mean

/** `rotten-tomatoes`, or `rotten-tomatoes, 100 rows`; with the metrics where runs of one name have others. */
function columnsOf(runs: readonly ReportRun[]): (run: ReportRun) => string {
  const named = ({ experiment: { task } }: ReportRun) =>
    task.subset ? `${task.name}, ${task.subset.size.toLocaleString('en')} rows` : task.name
  const metrics = ({ experiment: { task } }: ReportRun) => task.metrics.join(' and ')
  const metricsOf = new Map<string, Set<string>>()
  for (const run of runs) metricsOf.set(named(run), (metricsOf.get(named(run)) ?? new Set()).add(metrics(run)))
  return (run) => (metricsOf.get(named(run))!.size > 1 ? `${named(run)}, ${metrics(run)}` : named(run))
}

/** The method, and every setting that tells the group from others of the same method in its column. */
function rowName(group: Unnamed, groups: readonly Unnamed[]): string {
  const { column, method, settings, runs } = group
  const backbone = backboneOf(runs[0]!)
  const rivals = groups.filter((other) => {
    const { name, weights } = backboneOf(other.runs[0]!)
    const sameBackbone = name === backbone.name || (weights !== undefined && weights === backbone.weights)
    return other !== group && other.column === column && other.method === method && sameBackbone
  })
  const changes = rivals.flatMap((rival) => changedKeys(settings, rival.settings))
  const several = unique(groups.map(({ runs }) => backboneOf(runs[0]!).name)).length > 1
  return [several ? `${method} on ${backbone.name}` : method, ...shownOf(settings, changes, shownKey)].join(', ')
}

const backboneOf = ({ experiment, environment }: ReportRun) => ({
  name: experiment.backbone.name,
  weights: environment?.backbone_sha256,
})

/** Told apart in a plot's legend and a table's rows, in the order of the groups. */
export const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
