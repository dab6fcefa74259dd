import { type Leaves, methodName, shownOf } from '../../experiment/method_name.js'
import { MEAN } from '../../experiment/schema.js'
import { scoreMetrics } from '../../task/metrics/direction.js'
import type { Result } from '../directory.js'
import type { ReportRun } from './read_run.js'
import { seedsOf, settingsOf, shownKey } from './settings.js'
import { meanOf, type Spread, spread, spreadOfScores } from './spread.js'

export type FinishedRun = ReportRun & { result: Result }

/** Runs that differ only in seeds. */
export interface Group {
  /** The label of its table row: the method and what else distinguishes the group from others on the same task. */
  method: string
  /** The parts of the label: the method's name, then each value. */
  parts: string[]
  /** The column: the task, with the number of training rows if a subset was trained on. */
  task: string
  /** The metrics whose mean is the score; the same for a whole column. */
  metrics: string[]
  runs: ReportRun[]
  /** Finished runs, one for each combination of seeds; scores are taken over these. */
  finished: FinishedRun[]
  /** Finished runs with the same seeds as one in `finished`: a copy, or the same trained again. */
  repeated: FinishedRun[]
}

/** Scores over a group's finished runs. */
export interface Summary {
  runs: number
  validation: Record<string, Spread>
  test: Record<string, Spread>
  /** The score on validation, which alone decides what is best. */
  validation_score: Spread
  /** The score on test. */
  score: Spread
}

/** Runs with the same settings, before the group has a name. */
interface Unnamed {
  column: string
  method: string
  settings: Leaves
  runs: ReportRun[]
}

/** Groups runs, in their order. */
export function groupRuns(runs: readonly ReportRun[]): Group[] {
  const groups = new Map<string, Unnamed>()
  const columnOf = columnsOf(runs)
  for (const run of runs) {
    const column = columnOf(run)
    const settings = settingsOf(run)
    const key = JSON.stringify([column, ...[...settings].sort(([a], [b]) => (a < b ? -1 : 1))])
    const group = groups.get(key) ?? { column, method: nameOf(run), settings, runs: [] }
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

/** Runs that were imported are apart, since their training is not known. */
function nameOf({ experiment, environment }: ReportRun): string {
  const name = methodName(experiment.method)
  return environment?.imported ? `imported ${name}` : name
}

/**
 * Returns each column's metrics: the metric that chose the best checkpoint of all its runs, or the task's score if they
 * differ.
 */
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

/**
 * Names columns `rotten-tomatoes`, or `rotten-tomatoes, 100 rows`; with the metrics where runs of the same name have
 * different ones.
 */
function columnsOf(runs: readonly ReportRun[]): (run: ReportRun) => string {
  const named = ({ experiment: { task } }: ReportRun) =>
    task.subset ? `${task.name}, ${task.subset.size.toLocaleString('en')} rows` : task.name
  const metrics = ({ experiment: { task } }: ReportRun) => task.metrics.join(' and ')
  const metricsOf = new Map<string, Set<string>>()
  for (const run of runs) metricsOf.set(named(run), (metricsOf.get(named(run)) ?? new Set()).add(metrics(run)))
  return (run) => (metricsOf.get(named(run))!.size > 1 ? `${named(run)}, ${metrics(run)}` : named(run))
}

/**
 * Names rows, in parts: the method, and every setting that distinguishes the group from others of the same method and
 * backbone in its column. Backbones are the same if their name or their weights are. Takes time proportional to the
 * number of settings, not of pairs of groups.
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

/** Counts the groups of a kind, and how many of them have a setting with its value. */
interface Tally {
  groups: number
  having: Map<string, number>
}

function counted(values: readonly string[], { groups, having }: Tally = { groups: 0, having: new Map() }): Tally {
  for (const value of values) having.set(value, (having.get(value) ?? 0) + 1)
  return { groups: groups + 1, having }
}

/**
 * Returns the kinds of groups to compare with: those with its backbone's name, plus those with its weights, minus those
 * with both.
 */
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

/** Returns distinct values in the order of their first occurrence. */
export const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
