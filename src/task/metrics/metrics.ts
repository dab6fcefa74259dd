import { bestMatch, exactMatch, rougeL, tokenF1 } from './answers.js'
import { accuracy, labelF1, macroF1, matthews } from './confusion.js'
import { pearson, spearman } from './correlation.js'
import { lowerIsBetter } from './direction.js'
import { meanAbsoluteError, numberOf, rootMeanSquaredError } from './errors.js'

/** What the metrics of a classification need to know besides its rows. */
export interface Classes {
  /** The target text of every label, whether rows have it or not. */
  labels: readonly string[]
  /** The target text of the label that F1 is for. */
  positive: string
}

type Metric = (predictions: string[], targets: string[], classes?: Classes) => number

/**
 * Every score by its name in a task's `metrics`. Each compares output texts with target texts in the same order and is
 * in [−1, 1], except errors.
 */
const METRIC = {
  /** Share of outputs that equal the target. */
  accuracy,
  /** Harmonic mean of precision and recall of the positive label. */
  f1: (predictions, targets, classes) => {
    const { labels, positive } = known(classes)
    return labelF1(predictions, targets, positive, labels)
  },
  /** Mean of every label's F1. */
  macro_f1: (predictions, targets, classes) => macroF1(predictions, targets, known(classes).labels),
  /** Matthews' correlation coefficient; 0 where it is undefined. */
  matthews,
  /** Pearson's correlation of the numbers in the texts; an output that is not a number counts as −1. */
  pearson: (predictions, targets) => pearson(predictions.map(numberOf), targets.map(Number)),
  /** Spearman's correlation, ties at their mean rank. */
  spearman: (predictions, targets) => spearman(predictions.map(numberOf), targets.map(Number)),
  /** Mean absolute error of the numbers in the texts, in their units; an output that is not a number counts as −1. */
  mae: (predictions, targets) => meanAbsoluteError(errorsOf(predictions, targets)),
  /** Root of the mean squared error of the same numbers. */
  rmse: (predictions, targets) => rootMeanSquaredError(errorsOf(predictions, targets)),
  /** SQuAD's: lower case, no punctuation, no articles. */
  exact_match: (predictions, targets) => mean(predictions, targets, exactMatch),
  /** F1 of the words, normalised as in SQuAD. */
  token_f1: (predictions, targets) => mean(predictions, targets, tokenF1),
  /** F1 of the longest common subsequence of words. */
  rouge_l: (predictions, targets) => mean(predictions, targets, rougeL),
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof METRIC
export const METRIC_NAMES = Object.keys(METRIC) as MetricName[]

/**
 * Returns scores × 100, errors in their units. An output that is not a label is wrong for every metric; outputs and
 * targets are trimmed before they are compared.
 */
export function score<Name extends MetricName>(
  metrics: readonly Name[],
  predictions: string[],
  targets: string[],
  classes?: Classes,
): Record<Name, number> {
  if (predictions.length !== targets.length) {
    throw new Error(`${predictions.length} predictions cannot be scored against ${targets.length} targets`)
  }
  const [outputs, wanted] = [predictions, targets].map(trimmed)
  const trimmedClasses = classes && { labels: trimmed(classes.labels), positive: classes.positive.trim() }
  return Object.fromEntries(
    metrics.map((name) => [name, factorOf(name) * (METRIC[name] as Metric)(outputs!, wanted!, trimmedClasses)]),
  ) as Record<Name, number>
}

/** Errors are in the units of the labels. */
const factorOf = (name: MetricName) => (lowerIsBetter(name) ? 1 : 100)

const trimmed = (texts: readonly string[]) => texts.map((text) => text.trim())

const errorsOf = (outputs: string[], targets: string[]) =>
  outputs.map((output, i) => numberOf(output) - Number(targets[i]))

function known(classes: Classes | undefined): Classes {
  if (!classes) throw new Error('F1 cannot be scored without the labels of the task')
  return classes
}

/** The metrics of rows that belong together; of rows without groups they would be F1 and accuracy. */
export const OF_GROUPS: readonly string[] = ['f1a', 'group_exact_match']

/** What a metric may compare with besides the target. */
export interface Wanted {
  target: string
  /** The label column's value: for a regression the number before it was rounded to the target. */
  label?: string
  answers?: string[]
  group?: string
}

/** The metrics of a task. Some look at more than the target: rows may have several answers, or belong to a group. */
export type TaskMetric = MetricName | 'f1a' | 'group_exact_match'

/** Returns scores × 100, errors in their units, of outputs for examples, in the examples' order. */
export function scoreExamples(
  metrics: readonly TaskMetric[],
  predictions: string[],
  examples: Wanted[],
  classes?: Classes,
): Record<string, number> {
  return Object.fromEntries(
    metrics.map((name) => {
      if (name === 'group_exact_match') return [name, 100 * groupExactMatch(predictions, examples)]
      const best = BEST[name]
      if (best && examples.some(({ answers }) => answers)) {
        const accepted = examples.map(({ target, answers }) => answers ?? [target])
        return [name, 100 * mean(predictions, accepted, (text, answers) => bestMatch(best, text, answers))]
      }
      const plain = name === 'f1a' ? 'f1' : name // MultiRC's name for F1 over all answers to all questions
      const ofNumbers = OF_NUMBERS.includes(plain)
      const targets = examples.map(({ target, label }) => (ofNumbers ? (label ?? target) : target))
      return [name, score([plain], predictions, targets, classes)[plain]]
    }),
  )
}

/** Metrics that use the label column's unrounded numbers. */
export const OF_NUMBERS: readonly MetricName[] = ['pearson', 'spearman', 'mae', 'rmse']

/** Metrics that compare an output with each of several answers and keep the best; their score is the mean of rows. */
export const BEST: Partial<Record<TaskMetric, (prediction: string, target: string) => number>> = {
  exact_match: exactMatch,
  token_f1: tokenF1,
  rouge_l: rougeL,
  accuracy: (prediction, target) => Number(prediction.trim() === target.trim()),
}

/** Returns the share of groups (MultiRC: a question's answers) with every row right. */
function groupExactMatch(predictions: string[], examples: Wanted[]): number {
  const right = new Map<string, boolean>()
  for (const [i, { target, group = String(i) }] of examples.entries()) {
    right.set(group, (right.get(group) ?? true) && predictions[i]!.trim() === target.trim())
  }
  return right.size === 0 ? 0 : [...right.values()].filter(Boolean).length / right.size
}

function mean<P, T>(predictions: P[], targets: T[], of: (prediction: P, target: T) => number): number {
  if (predictions.length === 0) return 0
  return predictions.reduce((sum, prediction, i) => sum + of(prediction, targets[i]!), 0) / predictions.length
}
