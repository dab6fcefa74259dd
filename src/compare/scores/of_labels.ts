import { Addends, Additive } from '../../statistics/additive.js'
import { countsAsPositive, f1, matthewsOf } from '../../task/metrics/confusion.js'
import type { Classes } from '../../task/metrics/metrics.js'
import type { ScoredRows } from './scored_rows.js'

/** Returns the F1 × 100 of the positive label, as `labelF1` has it. */
export function positiveF1({ rows, unitOf, units }: ScoredRows, classes: Classes): Additive {
  const labels = classes.labels.map((label) => label.trim())
  const positive = classes.positive.trim()
  const addends = new Addends(units)
  for (const [row, answered] of rows.entries()) {
    const [prediction, target] = [answered.prediction.trim(), answered.target.trim()]
    const predicted = countsAsPositive(prediction, target, positive, labels)
    addends.add(unitOf[row]!, 0, Number(predicted && target === positive))
    addends.add(unitOf[row]!, 1, Number(predicted))
    addends.add(unitOf[row]!, 2, Number(target === positive))
  }
  const score = ([correct, predicted, wanted]: Float64Array) => 100 * f1(correct!, predicted!, wanted!)
  return new Additive(addends, { components: 3, score })
}

/** Returns the mean F1 × 100 of the task's labels, as `macroF1` has it. */
export function meanF1({ rows, unitOf, units }: ScoredRows, { labels }: Classes): Additive {
  const places = placesOf(labels)
  const addends = new Addends(units)
  for (const [row, answered] of rows.entries()) {
    const [predicted, wanted] = [places.get(answered.prediction.trim()), places.get(answered.target.trim())]
    if (predicted !== undefined) addends.add(unitOf[row]!, 3 * predicted)
    if (wanted !== undefined) addends.add(unitOf[row]!, 3 * wanted + 1)
    if (wanted !== undefined && predicted === wanted) addends.add(unitOf[row]!, 3 * wanted + 2)
  }
  const score = (sums: Float64Array) => {
    let sum = 0
    for (const place of places.values()) sum += f1(sums[3 * place + 2]!, sums[3 * place]!, sums[3 * place + 1]!)
    return places.size === 0 ? 0 : (100 * sum) / places.size
  }
  return new Additive(addends, { components: 3 * places.size, score })
}

/**
 * Returns Matthews' correlation × 100, as `matthews` has it. An output that is not a label is one of the `outputs` of
 * all compared runs, so that their counts can be exchanged.
 */
export function matthewsCorrelation({ rows, unitOf, units }: ScoredRows, outputs: readonly string[]): Additive {
  const places = placesOf([...rows.map(({ target }) => target), ...outputs])
  const [correct, total, counts] = [0, 1, 2]
  const addends = new Addends(units)
  for (const [row, answered] of rows.entries()) {
    const [predicted, wanted] = [places.get(answered.prediction.trim())!, places.get(answered.target.trim())!]
    if (predicted === wanted) addends.add(unitOf[row]!, correct)
    addends.add(unitOf[row]!, total)
    addends.add(unitOf[row]!, counts + 2 * predicted)
    addends.add(unitOf[row]!, counts + 2 * wanted + 1)
  }
  const pairs = function* (sums: Float64Array) {
    for (let at = counts; at < sums.length; at += 2) yield [sums[at]!, sums[at + 1]!] as const
  }
  const score = (sums: Float64Array) => 100 * matthewsOf(sums[correct]!, sums[total]!, pairs(sums))
  return new Additive(addends, { components: counts + 2 * places.size, score })
}

const placesOf = (labels: readonly string[]): Map<string, number> =>
  new Map([...new Set(labels.map((label) => label.trim()))].map((label, place) => [label, place]))
