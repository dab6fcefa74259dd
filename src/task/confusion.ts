/** Share of predictions equal to their target; 0 for none. */
export function accuracy(predictions: string[], targets: string[]): number {
  if (targets.length === 0) return 0
  return countWhere(targets, (target, i) => predictions[i] === target) / targets.length
}

/**
 * 2·TP / (2·TP + FP + FN) of the positive label; 0 where it is neither predicted nor wanted. An output that is no label
 * is wrong whatever the target: a false positive where the target is the other label.
 */
export function binaryF1(predictions: string[], targets: string[], positive: string): number {
  const truePositives = countWhere(targets, (target, i) => target === positive && predictions[i] === positive)
  const falsePositives = countWhere(targets, (target, i) => target !== positive && predictions[i] !== target)
  const wanted = countWhere(targets, (target) => target === positive)
  return f1(truePositives, truePositives + falsePositives, wanted)
}

/** Mean F1 of the labels that are targets: an output that is no label costs recall and is no class of its own. */
export function macroF1(predictions: string[], targets: string[]): number {
  const correct = counts(targets.filter((target, i) => predictions[i] === target))
  const predicted = counts(predictions)
  const wanted = counts(targets)
  if (wanted.size === 0) return 0
  let sum = 0
  for (const [label, count] of wanted) sum += f1(correct.get(label) ?? 0, predicted.get(label) ?? 0, count)
  return sum / wanted.size
}

function f1(correct: number, predicted: number, wanted: number): number {
  return predicted + wanted === 0 ? 0 : (2 * correct) / (predicted + wanted)
}

/**
 * Matthews' correlation coefficient in Gorodkin's form for any number of classes, as scikit-learn has it; 0 where
 * predictions or targets are all alike. An output that is no label is a class of its own, and so always wrong.
 */
export function matthews(predictions: string[], targets: string[]): number {
  const total = targets.length
  const predicted = counts(predictions)
  const wanted = counts(targets)
  const correct = countWhere(targets, (target, i) => predictions[i] === target)
  let agreement = correct * total
  for (const [label, count] of predicted) agreement -= count * (wanted.get(label) ?? 0)
  const spread = (of: Map<string, number>) =>
    [...of.values()].reduce((rest, count) => rest - count * count, total * total)
  const product = spread(predicted) * spread(wanted)
  return product === 0 ? 0 : agreement / Math.sqrt(product)
}

/** How often each label was predicted for each target. */
export interface Confusion {
  labels: string[]
  /** [target][prediction], in the labels' order; the last column counts outputs that are no label. */
  counts: number[][]
}

/** Of trimmed texts; the labels are those that are targets, sorted. */
export function confusionMatrix(predictions: string[], targets: string[]): Confusion {
  const wanted = targets.map((target) => target.trim())
  const labels = [...new Set(wanted)].sort()
  const places = new Map(labels.map((label, place) => [label, place]))
  const matrix = labels.map(() => new Array<number>(labels.length + 1).fill(0))
  for (const [i, target] of wanted.entries())
    matrix[places.get(target)!]![places.get(predictions[i]!.trim()) ?? labels.length]!++
  return { labels, counts: matrix }
}

function counts(labels: string[]): Map<string, number> {
  const result = new Map<string, number>()
  for (const label of labels) result.set(label, (result.get(label) ?? 0) + 1)
  return result
}

function countWhere<T>(items: T[], condition: (item: T, index: number) => boolean): number {
  return items.reduce((sum, item, i) => (condition(item, i) ? sum + 1 : sum), 0)
}
