import { Addends, Additive } from '../../statistics/additive.js'
import { entitiesIn, scoresOf, type TagMetric } from '../../task/metrics/entities.js'
import { tagsIn } from '../../task/words/tagged.js'
import type { ScoredRows } from './scored_rows.js'

/** Returns F1, precision or recall × 100 of the entities of all types together, as `scoreTags` has them. */
export function entityScore({ rows, unitOf, units }: ScoredRows, metric: Exclude<TagMetric, 'accuracy'>): Additive {
  const addends = new Addends(units)
  for (const [row, { prediction, target }] of rows.entries()) {
    const { right, predicted, wanted } = entitiesIn(tagsIn(prediction), tagsIn(target))
    for (const [component, { length }] of [right, predicted, wanted].entries())
      addends.add(unitOf[row]!, component, length)
  }
  const score = ([right, predicted, wanted]: Float64Array) =>
    scoresOf({ right: right!, predicted: predicted!, wanted: wanted! })[metric]
  return new Additive(addends, { components: 3, score })
}

/** Returns the share × 100 of words with the right tag. */
export function wordAccuracy({ rows, unitOf, units }: ScoredRows): Additive {
  const addends = new Addends(units)
  for (const [row, { prediction, target }] of rows.entries()) {
    const [outputs, wanted] = [tagsIn(prediction), tagsIn(target)]
    addends.add(unitOf[row]!, 0, wanted.filter((tag, i) => tag === outputs[i]).length)
    addends.add(unitOf[row]!, 1, wanted.length)
  }
  const score = ([right, words]: Float64Array) => (words === 0 ? 0 : (100 * right!) / words!)
  return new Additive(addends, { components: 2, score })
}
