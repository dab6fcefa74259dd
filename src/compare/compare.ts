import { resolve } from 'node:path'
import type { AnsweredSplit, ComparedBy } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { unique } from '../run/compare/groups.js'
import { openRun } from '../run/directory.js'
import { taskWithMetrics } from '../run/other_task.js'
import { bootstrap } from '../statistics/draws.js'
import { type Answers, readAnswers } from './answers.js'
import { type ComparedMethod, methodsOf } from './methods.js'
import { type Comparison, compared, type Pair } from './pairs.js'
import { checkSameRows } from './same_rows.js'
import { type Score, scoreOf } from './scores/score.js'
import { type AnyMetric, unitsOf } from './scores/scored_rows.js'

export interface CompareOptions {
  split: AnsweredSplit
  /** The run whose method all others are compared with; by default each is compared with each. */
  baseline?: string | undefined
  /** Scores to compare by; by default those of the runs' task. */
  metrics?: readonly string[] | undefined
  /** The level of the intervals, in (0, 1); a difference is claimed at 1 − level. */
  level: number
  by: ComparedBy
}

/** What `compare` found; `--json` prints it. */
export interface Comparisons {
  split: AnsweredSplit
  rows: number
  /** The number of what is drawn as a whole: of groups where rows belong together, otherwise of rows. */
  units: number
  level: number
  /** The resamples of the intervals, and of each approximate randomisation. */
  resamples: number
  methods: MethodScores[]
  comparisons: Comparison[]
}

/** A method's runs and their scores by metric, in the runs' order. */
export interface MethodScores {
  method: string
  runs: string[]
  scores: Record<string, number[]>
}

/** Resamples of each interval and each test: the ends of a 95 % interval then vary by about a fiftieth of its width. */
export const RESAMPLES = 2000
/** The same command prints the same numbers. */
export const SEED = 42

/**
 * Compares the answers of runs to the same rows, pair by pair.
 * @throws UserError where runs have no answers or others' rows, or where a score does not fit the task.
 */
export function compareRuns(folders: readonly string[], options: CompareOptions): Comparisons {
  const { split, level, by } = options
  const all = [...(options.baseline === undefined ? [] : [options.baseline]), ...folders]
  const named = [...new Map(all.map((folder) => [resolve(folder), folder])).values()]
  if (named.length < 2) {
    const { folder } = openRun(named[0]!, { several: true })
    throw new UserError({ at: folder, problem: 'is a single run.', remedy: 'Name another one to compare it with.' })
  }
  const answers = named.map((folder) => readAnswers(folder, split))
  checkSameRows(answers, split)
  const metrics = metricsOf(answers, options.metrics)
  const methods = methodsOf(answers, by)
  const { unitOf, units } = unitsOf(answers[0]!.rows)
  const scores = metrics.map((metric) => scoresOf(metric, answers, { unitOf, units }))
  const pairs = pairsOf(methods, options.baseline)
  return {
    ...{ split, rows: unitOf.length, units, level, resamples: RESAMPLES },
    methods: methods.map(({ name, answers: own }) => ({
      method: name,
      runs: own.map(({ run }) => run.folder),
      scores: Object.fromEntries(
        metrics.map((metric, i) => [metric, own.map((each) => scores[i]!.get(each)!.observed)]),
      ),
    })),
    comparisons: compared(
      metrics.map((metric, i) => ({ metric, scores: scores[i]!, draws: drawsOf(scores[i]!) })),
      pairs,
      { level, rows: unitOf.length, units, resamples: RESAMPLES, seed: SEED },
    ),
  }
}

function drawsOf(scores: ReadonlyMap<Answers, Score>): Map<Answers, Float64Array> {
  const draws = bootstrap([...scores.values()], { draws: RESAMPLES, seed: SEED })
  return new Map([...scores.keys()].map((answers, i) => [answers, draws[i]!]))
}

/** Returns the scores that were asked for, or those that the tasks of all runs have. */
function metricsOf(answers: readonly Answers[], asked: readonly string[] | undefined): AnyMetric[] {
  const { task } = answers[0]!.run.experiment
  if (asked) return [...taskWithMetrics(task, asked).metrics]
  const common = task.metrics.filter((metric) =>
    answers.every(({ run }) => (run.experiment.task.metrics as readonly string[]).includes(metric)),
  )
  if (common.length > 0) return common
  const own = answers.map(({ run }) => run.experiment.task.metrics.join(' and '))
  throw new UserError({
    at: answers.map(({ run }) => run.folder).join(', '),
    problem: `have no score in common: ${own.join('; ')}.`,
    remedy: 'Name one with --metric.',
  })
}

function scoresOf(
  metric: AnyMetric,
  answers: readonly Answers[],
  units: { unitOf: Int32Array; units: number },
): Map<Answers, Score> {
  const outputs = unique(answers.flatMap(({ rows }) => rows.map(({ prediction }) => prediction)))
  return new Map(
    answers.map((each) => {
      const { run, rows, classes } = each
      const { kind } = run.experiment.task
      return [each, scoreOf(metric, { kind, rows, classes, ...units }, outputs)]
    }),
  )
}

/** Each method against the baseline, or each against those after it. */
function pairsOf(methods: readonly ComparedMethod[], baseline: string | undefined): Pair[] {
  if (baseline === undefined)
    return methods.flatMap((method, i) => methods.slice(i + 1).map((against) => ({ method, against })))
  const against = methods.find(({ answers }) => answers.some(({ run }) => resolve(run.folder) === resolve(baseline)))!
  return methods.filter((method) => method !== against).map((method) => ({ method, against }))
}
