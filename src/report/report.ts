import { basename, sep } from 'node:path'
import { commandLine, quoted } from '../base/command_line.js'
import { UserError } from '../base/error.js'
import { type Group, groupRuns, summaryOf, unique } from '../run/compare/groups.js'
import type { ReportRun } from '../run/compare/read_run.js'
import { seedsOf } from '../run/compare/settings.js'
import { shownScore } from '../run/compare/spread.js'
import type { ImportedFrom } from '../run/records.js'
import { bestFirst, taskScore } from '../task/metrics/direction.js'
import { cautionsOf } from './cautions.js'
import { type Comparison, compare } from './comparison.js'
import { type FoundRuns, findRuns, type LeftOut } from './find_runs.js'
import { type Predictions, readPredictions } from './wrong_rows.js'

/** Everything that a report shows. */
export interface Report {
  runs: ReportRun[]
  leftOut: LeftOut[]
  /** By task, of each the best on validation first. */
  groups: Group[]
  comparison: Comparison
  /** The rows of the table of methods × tasks, then methods without a score: charts have a mark for each place. */
  methods: string[]
  /** For runs that have predictions: the predictions, or the reason why they are not shown. */
  predictions: Map<ReportRun, Predictions | string>
  /** The shortest names that distinguish the runs. */
  names: Map<ReportRun, string>
  cautions: string[]
}

/**
 * Reads runs, and the runs in folders of runs.
 * @throws UserError for a path that does not exist, and where nothing can be read at all.
 */
export async function readReport(paths: readonly string[]): Promise<Report> {
  const found = findRuns(paths)
  const unsorted = groupRuns(found.runs)
  const comparison = compare(unsorted)
  const methods = unique([...comparison.methods, ...unsorted.map(({ method }) => method)])
  const groups = inOrder(unsorted, methods)
  const predictions = await predictionsOf(found.runs)
  return {
    runs: found.runs,
    leftOut: [...found.leftOut, ...notInTables(found), ...repeated(groups), ...refused(predictions)],
    groups,
    comparison,
    methods,
    predictions,
    names: namesOf(found.runs),
    cautions: cautionsOf(groups),
  }
}

/**
 * Sorts groups by task, then by that task's validation score, the best first; those of equal scores, and those without
 * one, which come last, in the order of the methods.
 */
function inOrder(groups: Group[], methods: string[]): Group[] {
  const place = new Map(methods.map((method, i) => [method, i]))
  return unique(groups.map(({ task }) => task)).flatMap((task) => {
    const own = groups.filter((group) => group.task === task)
    const better = bestFirst(own[0]!.metrics)
    const score = new Map(own.map((group) => [group, summaryOf(group)?.validation_score.mean]))
    return own.sort((one, other) => {
      const [a, b] = [score.get(one), score.get(other)]
      const byScore =
        a === undefined || b === undefined ? Number(a === undefined) - Number(b === undefined) : better(a, b)
      return byScore || place.get(one.method)! - place.get(other.method)!
    })
  })
}

/** Predictions that are not the run's own, or can't be read, do not stop a report. */
async function predictionsOf(runs: readonly ReportRun[]): Promise<Report['predictions']> {
  const predictions: Report['predictions'] = new Map()
  for (const run of runs) {
    try {
      const read = await readPredictions(run)
      if (read) predictions.set(run, read)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const { at = run.folder, problem, remedy = '' } = error
      predictions.set(run, `${at.replace(`${run.folder}${sep}`, '')} ${problem} ${remedy}`.trimEnd())
    }
  }
  return predictions
}

const refused = (predictions: Report['predictions']): LeftOut[] =>
  [...predictions].flatMap(([{ folder }, read]) =>
    typeof read === 'string' ? [{ folder, reason: `the predictions are not shown: ${read}` }] : [],
  )

/** Returns a reason for runs that are shown only in part. Imported ones are no trainings that could be finished. */
function notInTables({ runs }: FoundRuns): LeftOut[] {
  const unfinished = runs.filter(({ result }) => result === undefined)
  const damaged = runs.filter(({ damagedLines }) => damagedLines.length > 0)
  return [
    ...unfinished.map(({ folder, steps, experiment, environment }) => {
      if (environment?.imported) return { folder, reason: notTrained(folder, environment.imported) }
      const of = experiment.training.steps === undefined ? '' : ` of ${experiment.training.steps}`
      const at = `is not finished: it is at step ${steps.at(-1)?.step ?? 0}${of}`
      return { folder, reason: `${at}. Its curves are shown, its scores are not.` }
    }),
    ...damaged.map(({ folder, damagedLines }) => {
      return { folder, reason: `${linesNamed(damagedLines)} of metrics.jsonl could not be read; the rest is shown.` }
    }),
  ]
}

function notTrained(folder: string, { format, folder: from }: ImportedFrom): string {
  const scoring = commandLine(`eval ${quoted(folder)}`)
  const source = `was imported from ${from} (${format}), not trained here`
  return `${source}: it has no curves and no scores. Score it: ${scoring}.`
}

const LINES_NAMED = 5

function linesNamed(lines: number[]): string {
  const named = lines.slice(0, LINES_NAMED).join(', ')
  if (lines.length === 1) return `line ${named}`
  return lines.length <= LINES_NAMED ? `lines ${named}` : `lines ${named} and ${lines.length - LINES_NAMED} more`
}

/** Names runs by their folder's own name, or by the whole path where two names are the same. */
function namesOf(runs: ReportRun[]): Map<ReportRun, string> {
  const names = runs.map(({ folder }) => basename(folder) || folder)
  const once = new Set<string>()
  const twice = new Set(names.filter((name) => once.size === once.add(name).size))
  return new Map(runs.map((run, i) => [run, twice.has(names[i]!) ? run.folder : names[i]!]))
}

/** Lists runs that occur twice: they do not count as a second seed. */
const repeated = (groups: Group[]): LeftOut[] =>
  groups.flatMap(({ finished, repeated }) => {
    const bySeeds = new Map(repeated.length === 0 ? [] : finished.map((run) => [seedsOf(run), run]))
    return repeated.map((run) => {
      const counted = bySeeds.get(seedsOf(run))!
      const [own, other] = [run, counted].map(({ result }) => shownScore(taskScore(result.test)))
      const scores = own === other ? '' : `, though its test score is ${own} and that one's ${other}`
      return { folder: run.folder, reason: `is ${counted.folder} again, with the same seeds${scores}: it counts once.` }
    })
  })
