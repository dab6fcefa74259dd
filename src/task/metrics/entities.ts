import { shortened } from '../../base/text/shortened.js'

/** Words [start, end) of a row that name something of that type. */
export interface Entity {
  type: string
  start: number
  end: number
}

/** How well the entities of one type are found, × 100. */
export interface EntityScores {
  type: string
  precision: number
  recall: number
  f1: number
  /** Entities of the rows. */
  wanted: number
  /** Entities of the outputs. */
  predicted: number
}

/** Scores of tags by their name in a task's `metrics`. All but accuracy are of entities. */
export const TAG_METRICS = ['f1', 'precision', 'recall', 'accuracy'] as const
export type TagMetric = (typeof TAG_METRICS)[number]

/** Whether a tag is of no entity, or of one: `B-PER`, or `B` alone. */
const isEntityTag = (tag: string): boolean => tag === 'O' || /^[BIES](-|$)/.test(tag)

/** Returns the first tag that entities can't be made of, if a metric is of entities. */
export const unfitTag = (metrics: readonly TagMetric[], tags: readonly string[]): string | undefined =>
  metrics.some((metric) => metric !== 'accuracy') ? tags.find((tag) => !isEntityTag(tag)) : undefined

/** Says in words that metrics can't be of such a tag, and what to do. */
export const unfitTagWords = (metrics: readonly TagMetric[], tag: string): [problem: string, remedy: string] => [
  `${metrics.filter((metric) => metric !== 'accuracy').join(' and ')} of entities can't be made of the tag ` +
    `'${shortened(tag)}'.`,
  'Tags are O, or B-, I-, E- or S- and a type; task.labels can name them, and metrics: [accuracy] takes any.',
]

/**
 * Returns the entities of a row's tags as seqeval's default mode finds them, like conlleval.pl: I and E continue an
 * entity of their type that B or I is in, and begin one elsewhere.
 */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = []
  let [before, type] = ['O', '']
  for (const [i, tag] of tags.entries()) {
    const [prefix, own] = [tag[0]!, typeOf(tag)]
    const continues = 'BI'.includes(before) && 'IE'.includes(prefix) && own === type
    if (continues) entities.at(-1)!.end = i + 1
    else if (prefix !== 'O') entities.push({ type: own, start: i, end: i + 1 })
    before = prefix
    type = own
  }
  return entities
}

/** The type of `B-PER`; `_` where a tag has none. */
const typeOf = (tag: string): string => tag.slice(1).replace(/^-/, '') || '_'

/** Returns scores × 100 of rows of tags, in the rows' order: of all words, or of the entities of all types together. */
export function scoreTags(
  metrics: readonly TagMetric[],
  predictions: readonly string[][],
  targets: readonly string[][],
): Record<string, number> {
  const counts = [...countsByType(predictions, targets).values()]
  const sum = (of: keyof Counts) => counts.reduce((total, each) => total + each[of], 0)
  const all = scoresOf({ right: sum('right'), predicted: sum('predicted'), wanted: sum('wanted') })
  const scores = { ...all, accuracy: wordAccuracy(predictions, targets) }
  return Object.fromEntries(metrics.map((metric) => [metric, scores[metric]]))
}

/** Returns the scores of each type that rows or outputs have, sorted. */
export function entityScores(predictions: readonly string[][], targets: readonly string[][]): EntityScores[] {
  const counts = [...countsByType(predictions, targets)].sort(([a], [b]) => (a < b ? -1 : 1))
  return counts.map(([type, { right, predicted, wanted }]) => ({
    type,
    ...scoresOf({ right, predicted, wanted }),
    wanted,
    predicted,
  }))
}

/** Entities that are found right, found at all, and in the rows. */
interface Counts {
  right: number
  predicted: number
  wanted: number
}

function countsByType(predictions: readonly string[][], targets: readonly string[][]): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  const of = (type: string): Counts => {
    const found = counts.get(type) ?? { right: 0, predicted: 0, wanted: 0 }
    counts.set(type, found)
    return found
  }
  for (const [row, target] of targets.entries()) {
    const { right, predicted, wanted } = entitiesIn(predictions[row]!, target)
    for (const { type } of wanted) of(type).wanted++
    for (const { type } of predicted) of(type).predicted++
    for (const { type } of right) of(type).right++
  }
  return counts
}

/** Returns the entities of a row, those of its output, and which of these are right. */
export function entitiesIn(
  prediction: readonly string[],
  target: readonly string[],
): Record<keyof Counts, readonly Entity[]> {
  const [wanted, predicted] = [entitiesOf(target), entitiesOf(prediction)]
  const places = new Set(wanted.map(placeOf))
  return { wanted, predicted, right: predicted.filter((entity) => places.has(placeOf(entity))) }
}

const placeOf = ({ type, start, end }: Entity) => `${start}-${end} ${type}`

/** Returns scores of counts × 100, each 0 where it is undefined, as in seqeval. */
export function scoresOf({ right, predicted, wanted }: Counts): Pick<EntityScores, 'precision' | 'recall' | 'f1'> {
  const share = (of: number) => (of === 0 ? 0 : (100 * right) / of)
  return { precision: share(predicted), recall: share(wanted), f1: share((predicted + wanted) / 2) }
}

function wordAccuracy(predictions: readonly string[][], targets: readonly string[][]): number {
  let [right, words] = [0, 0]
  for (const [row, target] of targets.entries()) {
    words += target.length
    right += target.filter((tag, i) => predictions[row]![i] === tag).length
  }
  return words === 0 ? 0 : (100 * right) / words
}
