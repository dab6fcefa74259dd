/** Share of predictions equal to their target; 0 for none. */
export function accuracy(predictions: string[], targets: string[]): number {
  if (targets.length === 0) return 0
  return countWhere(targets, (target, i) => predictions[i] === target) / targets.length
}

/** 2·TP / (2·TP + FP + FN) of the positive label; 0 where it is neither predicted nor wanted. */
export function binaryF1(predictions: string[], targets: string[], positive: string): number {
  const truePositives = countWhere(targets, (target, i) => target === positive && predictions[i] === positive)
  const predicted = countWhere(predictions, (prediction) => prediction === positive)
  const wanted = countWhere(targets, (target) => target === positive)
  return predicted + wanted === 0 ? 0 : (2 * truePositives) / (predicted + wanted)
}

/** Mean F1 of the labels that are targets: an output that is no label costs recall and is no class of its own. */
export function macroF1(predictions: string[], targets: string[]): number {
  const labels = [...new Set(targets)]
  if (labels.length === 0) return 0
  return labels.reduce((sum, label) => sum + binaryF1(predictions, targets, label), 0) / labels.length
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

function counts(labels: string[]): Map<string, number> {
  const result = new Map<string, number>()
  for (const label of labels) result.set(label, (result.get(label) ?? 0) + 1)
  return result
}

function countWhere<T>(items: T[], condition: (item: T, index: number) => boolean): number {
  return items.reduce((sum, item, i) => (condition(item, i) ? sum + 1 : sum), 0)
}
