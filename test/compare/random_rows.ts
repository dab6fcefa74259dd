import { MersenneTwister } from '../../src/base/numbers/random.js'
import type { AnsweredRow, AnyMetric, ScoredRows } from '../../src/compare/scores/scored_rows.js'
import { unitsOf } from '../../src/compare/scores/scored_rows.js'

const LABELS = ['bad', 'good', 'so so']
const WORDS = ['the', 'cat', 'sat', 'on', 'a', 'mat', 'dog']
const TAGS = ['O', 'O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC']

/** Tasks of rows by the metrics that they have. */
export const SHAPES = {
  labels: ['accuracy', 'f1', 'macro_f1', 'matthews'],
  groups: ['accuracy', 'f1a', 'group_exact_match'],
  numbers: ['pearson', 'spearman', 'mae', 'rmse'],
  texts: ['exact_match', 'token_f1', 'rouge_l', 'accuracy'],
  tags: ['f1', 'precision', 'recall', 'accuracy'],
} as const satisfies Record<string, readonly AnyMetric[]>
export type Shape = keyof typeof SHAPES

/**
 * Returns made-up rows of a shape with the answers of a model that is right as often as `skill` says; the same seed
 * gives the same rows to all models, which `model` tells apart.
 */
export function randomRows(shape: Shape, count: number, { seed = 1, model = 1, skill = 0.6 } = {}): ScoredRows {
  const [asked, answered] = [new MersenneTwister(seed), new MersenneTwister(1000 * model + seed)]
  const made = Array.from({ length: count }, (_, i) => rowOf(shape, i, asked, answered, skill))
  const kind = { labels: 'classification', groups: 'classification', numbers: 'regression', texts: 'text' } as const
  const labels = shape === 'groups' ? LABELS.slice(0, 2) : LABELS
  return {
    kind: shape === 'tags' ? 'token_classification' : kind[shape],
    rows: made,
    ...((shape === 'labels' || shape === 'groups') && { classes: { labels, positive: 'good' } }),
    ...unitsOf(made),
  }
}

const pick = <Of>(from: readonly Of[], generator: MersenneTwister): Of => from[generator.uint32() % from.length]!

function rowOf(shape: Shape, i: number, asked: MersenneTwister, answered: MersenneTwister, skill: number): AnsweredRow {
  const right = answered.uniform() < skill
  switch (shape) {
    case 'labels':
    case 'groups': {
      const labels = shape === 'groups' ? LABELS.slice(0, 2) : LABELS
      const target = pick(labels, asked)
      const prediction = right ? `${target} ` : pick([...labels, 'ugly'], answered) // 'ugly' is not a label
      return { target, prediction, ...(shape === 'groups' && { group: `q${Math.floor(i / 3) % 40}` }) }
    }
    case 'numbers': {
      const label = String(Math.round(asked.uniform() * 50) / 10)
      const noise = (answered.uniform() - 0.5) * (right ? 0.5 : 6)
      const prediction = answered.uniform() < 0.03 ? 'none' : (Number(label) + noise).toFixed(1)
      return { target: Number(label).toFixed(0), label, prediction }
    }
    case 'texts': {
      const words = Array.from({ length: 1 + (asked.uint32() % 4) }, () => pick(WORDS, asked))
      const target = words.join(' ')
      const answers = asked.uniform() < 0.5 ? [target, pick(WORDS, asked)] : undefined
      const prediction = right ? target : [words[0], pick(WORDS, answered), pick(WORDS, answered)].join(' ')
      return { target, prediction, ...(answers && { answers }) }
    }
    case 'tags': {
      const tags = Array.from({ length: 1 + (asked.uint32() % 8) }, () => pick(TAGS, asked))
      const prediction = tags.map((tag) => (answered.uniform() < skill ? tag : pick(TAGS, answered)))
      return { target: tags.join(' '), prediction: prediction.join(' ') }
    }
  }
}
