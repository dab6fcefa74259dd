import { bestMatch, exactMatch, rougeL, tokenF1 } from './answers.js'
import { accuracy, binaryF1, macroF1, matthews } from './confusion.js'
import { pearson, spearman, toNumber } from './correlation.js'

/** Every score by its name in a task's `metrics`, of output texts against target texts in the same order; in [−1, 1]. */
const METRIC = {
  /** Share of outputs that are the target. */
  accuracy,
  /** Harmonic mean of precision and recall of the label '1'. */
  f1: (predictions: string[], targets: string[]) => binaryF1(predictions, targets, '1'),
  /** Mean of every target label's F1. */
  macro_f1: macroF1,
  /** Matthews' correlation coefficient; 0 where it is undefined. */
  matthews,
  /** Pearson's correlation of the numbers in the texts; an output that is no number counts as −1. */
  pearson: (predictions: string[], targets: string[]) => pearson(predictions.map(toNumber), targets.map(toNumber)),
  /** Spearman's, ties at their mean rank. */
  spearman: (predictions: string[], targets: string[]) => spearman(predictions.map(toNumber), targets.map(toNumber)),
  /** SQuAD's: lower case, no punctuation, no articles. */
  exact_match: (predictions: string[], targets: string[]) => mean(predictions, targets, exactMatch),
  /** F1 of the words, normalised as in SQuAD. */
  token_f1: (predictions: string[], targets: string[]) => mean(predictions, targets, tokenF1),
  /** F of the longest common subsequence of words. */
  rouge_l: (predictions: string[], targets: string[]) => mean(predictions, targets, rougeL),
} as const

export type MetricName = keyof typeof METRIC
export const METRIC_NAMES = Object.keys(METRIC) as MetricName[]

/** Scores × 100. An output that is no label is wrong for every metric; outputs and targets are compared trimmed. */
export function score<Name extends MetricName>(
  metrics: readonly Name[],
  predictions: string[],
  targets: string[],
): Record<Name, number> {
  if (predictions.length !== targets.length) {
    throw new Error(`${predictions.length} predictions cannot be scored against ${targets.length} targets`)
  }
  const [outputs, wanted] = [predictions, targets].map((texts) => texts.map((text) => text.trim()))
  return Object.fromEntries(metrics.map((name) => [name, 100 * METRIC[name](outputs!, wanted!)])) as Record<
    Name,
    number
  >
}

/** MultiRC over questions: F1 of all answers' label '1' together, and the share of questions with every answer right. × 100. */
export function scoreMultirc(
  predictions: string[],
  targets: string[],
  questions: (string | number)[],
): { f1a: number; exact_match: number } {
  const right = new Map<string | number, boolean>()
  for (const [i, question] of questions.entries()) {
    right.set(question, (right.get(question) ?? true) && predictions[i]!.trim() === targets[i]!.trim())
  }
  const whole = [...right.values()].filter(Boolean).length
  return {
    f1a: score(['f1'], predictions, targets).f1,
    exact_match: right.size === 0 ? 0 : (100 * whole) / right.size,
  }
}

/** ReCoRD: each output against the best of its query's answers. × 100. */
export function scoreRecord(predictions: string[], answers: string[][]): { f1: number; exact_match: number } {
  return {
    f1: 100 * mean(predictions, answers, (text, accepted) => bestMatch(tokenF1, text, accepted)),
    exact_match: 100 * mean(predictions, answers, (text, accepted) => bestMatch(exactMatch, text, accepted)),
  }
}

function mean<T>(predictions: string[], targets: T[], of: (prediction: string, target: T) => number): number {
  if (predictions.length === 0) return 0
  return predictions.reduce((sum, prediction, i) => sum + of(prediction, targets[i]!), 0) / predictions.length
}
