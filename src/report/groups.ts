import { type Leaves, methodName, shownOf } from '../experiment/method_name.js'
import { MEAN } from '../experiment/schema.js'
import type { ReportRun } from '../run/compare/read_run.js'
import { seedsOf, settingsOf, shownKey } from '../run/compare/settings.js'
import { meanOf, type Spread, spread, spreadOfScores } from '../run/compare/spread.js'
import type { Result } from '../run/directory.js'
import { scoreMetrics } from '../task/metrics/direction.js'

export type FinishedRun = ReportRun & { result: Result }

/** Runs that differ in nothing but seeds. */
export interface Group {
  /** The row of a table: the method and what else tells the group from others on the same task. */
  method: string
  /** Of that: the method's name, then each value. */
  parts: string[]
  /** The column: the task, with the number of training rows where a subset was trained on. */
  task: string
  /** What scores are the mean of; the same for a whole column. */
  metrics: string[]
  runs: ReportRun[]
  /** One for each of the seeds: what scores are of. */
  finished: FinishedRun[]
  /** Those that are the same as a finished one, seeds too: a copy, or the same trained again. */
  repeated: FinishedRun[]
}

/** Over a group's finished runs. */
export interface Summary {
  runs: number
  validation: Record<string, Spread>
  test: Record<string, Spread>
  /** On validation: what is best is chosen by this alone. */
  validation_score: Spread
  /** On test. */
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
  const names = rowNames(all)
  const taken = new Map<string, number>()
  const metricsOf = columnMetrics(all)
  return all.map(({ column, runs }, i) => {
    const name = names[i]!.join(', ')
    const cell = JSON.stringify([column, name])
    const alike = taken.get(cell) ?? 0
    taken.set(cell, alike + 1)
    const parts = alike === 0 ? names[i]! : [...names[i]!, `(${alike + 1})`]
    return {
      method: alike === 0 ? name : `${name} (${alike + 1})`,
      parts,
      task: column,
      metrics: metricsOf.get(column)!,
      runs,
      ...finishedOf(runs),
    }
  })
}

/** A column's score is the metric that chose the best checkpoint of all of its runs; where they differ, the task's score. */
function columnMetrics(groups: readonly Unnamed[]): Map<string, string[]> {
  const runs = new Map<string, ReportRun[]>()
  for (const group of groups) runs.set(group.column, [...(runs.get(group.column) ?? []), ...group.runs])
  return new Map(
    [...runs].map(([column, own]) => {
      const chosen = unique(own.map(({ experiment }) => experiment.training.best_metric))
      const metrics = unique(own.flatMap(({ result }) => (result ? Object.keys(result.test) : [])))
      const known = metrics.length > 0 ? metrics : unique(own.flatMap(({ experiment }) => experiment.task.metrics))
      const one = chosen.length === 1 && chosen[0] !== MEAN && known.includes(chosen[0]!)
      return [column, one ? [chosen[0]!] : scoreMetrics(known)]
    }),
  )
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
export function summaryOf({ finished, metrics }: Group): Summary | undefined {
  if (finished.length === 0) return undefined
  const over = (split: 'validation' | 'test') => spreadOfScores(finished.map(({ result }) => result[split]))
  const score = (split: 'validation' | 'test') => spread(finished.map(({ result }) => meanOf(result[split], metrics)))
  return {
    runs: finished.length,
    ...{ validation: over('validation'), test: over('test') },
    ...{ validation_score: score('validation'), score: score('test') },
  }
}

/** `rotten-tomatoes`, or `rotten-tomatoes, 100 rows`; with the metrics where runs of one name have others. */
function columnsOf(runs: readonly ReportRun[]): (run: ReportRun) => string {
  const named = ({ experiment: { task } }: ReportRun) =>
    task.subset ? `${task.name}, ${task.subset.size.toLocaleString('en')} rows` : task.name
  const metrics = ({ experiment: { task } }: ReportRun) => task.metrics.join(' and ')
  const metricsOf = new Map<string, Set<string>>()
  for (const run of runs) metricsOf.set(named(run), (metricsOf.get(named(run)) ?? new Set()).add(metrics(run)))
  return (run) => (metricsOf.get(named(run))!.size > 1 ? `${named(run)}, ${metrics(run)}` : named(run))
}

/**
 * Names of rows, in parts: the method, and every setting that tells the group from others of the same method and backbone in its column.
 * Those have its backbone's name or its weights. In time that grows with the settings, not with pairs of groups.
 */
function rowNames(groups: readonly Unnamed[]): string[][] {
  const kinds = groups.map(kindsOf)
  const values = groups.map(({ settings }) => [...settings].map(([key, value]) => `${key} ${JSON.stringify(value)}`))
  const tallies = new Map<string, Tally>()
  for (const [i, own] of kinds.entries())
    for (const { kind } of own) tallies.set(kind, counted(values[i]!, tallies.get(kind)))
  const several = unique(groups.map(({ runs }) => backboneOf(runs[0]!).name)).length > 1
  return groups.map(({ method, settings, runs }, i) => {
    const rivals = kinds[i]!.map(({ kind, sign }) => ({ sign, ...tallies.get(kind)! }))
    const sum = (count: (tally: Tally) => number) => rivals.reduce((sum, tally) => sum + tally.sign * count(tally), 0)
    const all = sum(({ groups }) => groups)
    const differ = [...settings.keys()].filter((_, at) => sum(({ having }) => having.get(values[i]![at]!)!) < all)
    const name = several ? `${method} on ${backboneOf(runs[0]!).name}` : method
    return [name, ...shownOf(settings, differ, shownKey)]
  })
}

/** Groups of a kind, and how many of them have a setting with its value. */
interface Tally {
  groups: number
  having: Map<string, number>
}

function counted(values: readonly string[], { groups, having }: Tally = { groups: 0, having: new Map() }): Tally {
  for (const value of values) having.set(value, (having.get(value) ?? 0) + 1)
  return { groups: groups + 1, having }
}

/** The kinds of groups that a group is told from: of its backbone's name, and of its weights, less those of both. */
function kindsOf({ column, method, runs }: Unnamed): { kind: string; sign: 1 | -1 }[] {
  const { name, weights } = backboneOf(runs[0]!)
  const kind = (of: object) => JSON.stringify([column, method, of])
  if (weights === undefined) return [{ kind: kind({ name }), sign: 1 }]
  return [
    { kind: kind({ name }), sign: 1 },
    { kind: kind({ weights }), sign: 1 },
    { kind: kind({ name, weights }), sign: -1 },
  ]
}

const backboneOf = ({ experiment, environment }: ReportRun) => ({
  name: experiment.backbone.name,
  weights: environment?.backbone_sha256,
})

/** Told apart in a plot's legend and a table's rows, in the order of the groups. */
export const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
