import { type LabelNames, shownLabel } from '../labels/label_names.js'

/** Returns the share of predictions equal to their target; 0 for no predictions. */
export function accuracy(predictions: string[], targets: string[]): number {
  if (targets.length === 0) return 0
  return countWhere(targets, (target, i) => predictions[i] === target) / targets.length
}

/**
 * Returns the F1 of the positive label among the task's `labels`, as scikit-learn computes it: 2·TP / (predicted +
 * wanted), 0 where the label is neither predicted nor wanted. An output that is not a label predicts no label. Where
 * there are two labels, it counts as the one that is not the target, as in the paper's released code, and so is always
 * wrong.
 */
export function labelF1(predictions: string[], targets: string[], positive: string, labels: readonly string[]): number {
  const isPositive = (target: string, i: number) => countsAsPositive(predictions[i]!, target, positive, labels)
  const correct = countWhere(targets, (target, i) => target === positive && isPositive(target, i))
  const wanted = countWhere(targets, (target) => target === positive)
  return f1(correct, countWhere(targets, isPositive), wanted)
}

/** Whether an output counts as the positive label in `labelF1`. */
export function countsAsPositive(
  prediction: string,
  target: string,
  positive: string,
  labels: readonly string[],
): boolean {
  if (labels.length === 2 && !labels.includes(prediction)) return target !== positive
  return prediction === positive
}

/**
 * Returns the mean F1 of the task's labels, as in the paper's released code: a label that neither rows nor outputs have
 * counts as 0. An output that is not a label lowers recall and is not a class.
 */
export function macroF1(predictions: string[], targets: string[], labels: readonly string[]): number {
  if (labels.length === 0) return 0
  const correct = counts(targets.filter((target, i) => predictions[i] === target))
  const [predicted, wanted] = [counts(predictions), counts(targets)]
  const sum = labels.reduce((sum, label) => {
    const [right = 0, outputs = 0, rows = 0] = [correct, predicted, wanted].map((of) => of.get(label))
    return sum + f1(right, outputs, rows)
  }, 0)
  return sum / labels.length
}

/** Returns 2·correct / (predicted + wanted); 0 where neither occurs. */
export function f1(correct: number, predicted: number, wanted: number): number {
  return predicted + wanted === 0 ? 0 : (2 * correct) / (predicted + wanted)
}

/**
 * Returns Matthews' correlation coefficient in Gorodkin's form for any number of classes, as scikit-learn computes it;
 * 0 where all predictions or all targets are the same. An output that is not a label is a class of its own, and so
 * always wrong.
 */
export function matthews(predictions: string[], targets: string[]): number {
  const [predicted, wanted] = [counts(predictions), counts(targets)]
  const correct = countWhere(targets, (target, i) => predictions[i] === target)
  const pairs = [...new Set([...predicted.keys(), ...wanted.keys()])].map(
    (label) => [predicted.get(label) ?? 0, wanted.get(label) ?? 0] as const,
  )
  return matthewsOf(correct, targets.length, pairs)
}

/** Returns the same of counts: right rows, all rows, and for each label the outputs and the targets that are it. */
export function matthewsOf(
  correct: number,
  total: number,
  labels: Iterable<readonly [predicted: number, wanted: number]>,
): number {
  let [agreement, predictedSpread, wantedSpread] = [correct * total, total * total, total * total]
  for (const [predicted, wanted] of labels) {
    agreement -= predicted * wanted
    predictedSpread -= predicted * predicted
    wantedSpread -= wanted * wanted
  }
  const product = predictedSpread * wantedSpread
  return product === 0 ? 0 : agreement / Math.sqrt(product)
}

/** Counts how often each label was predicted for each target. */
export interface Confusion {
  /** The task's labels, sorted, whether rows have them or not. */
  labels: string[]
  /** The labels' names for people, if any label has one; null for a label without one. */
  names?: (string | null)[]
  /** [target][prediction], in the labels' order; the last column counts outputs that are not a label. */
  counts: number[][]
}

/** Counts trimmed texts; every target must be among the labels. */
export function confusionMatrix(
  predictions: string[],
  targets: string[],
  labels: readonly string[],
  named: LabelNames = new Map(),
): Confusion {
  const sorted = [...new Set(labels.map((label) => label.trim()))].sort()
  const places = new Map(sorted.map((label, place) => [label, place]))
  const matrix = sorted.map(() => new Array<number>(sorted.length + 1).fill(0))
  for (const [i, target] of targets.entries())
    matrix[places.get(target.trim())!]![places.get(predictions[i]!.trim()) ?? sorted.length]!++
  const names = sorted.map((label) => named.get(label) ?? null)
  return { labels: sorted, ...(names.some((name) => name !== null) && { names }), counts: matrix }
}

/** Returns a matrix's labels as people read them. */
export function shownLabels({ labels, names }: Confusion): string[] {
  const named = new Map(labels.flatMap((label, i) => (names?.[i] == null ? [] : [[label, names[i]] as const])))
  return labels.map((label) => shownLabel(label, named))
}

function counts(labels: string[]): Map<string, number> {
  const result = new Map<string, number>()
  for (const label of labels) result.set(label, (result.get(label) ?? 0) + 1)
  return result
}

function countWhere<T>(items: T[], condition: (item: T, index: number) => boolean): number {
  return items.reduce((sum, item, i) => (condition(item, i) ? sum + 1 : sum), 0)
}
