import { assertNever } from '../src/base/assert_never.js'
import { hashSeed, MersenneTwister } from '../src/base/numbers/random.js'
import { type AnsweredRow, type AnyMetric, type ScoredRows, unitsOf } from '../src/compare/scores/scored_rows.js'

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

/** The share of rows that every model answers right. */
const EASY = 0.3

interface Simulated {
  /** The same seed gives the same rows to all models. */
  seed?: number
  /** Tells models apart. */
  model?: number
  /** How often the model is right where a row is not easy. */
  skill?: number
}

/** Returns made-up rows of a shape with a model's answers; groups have three rows, which are not next to each other. */
export function simulatedAnswers(
  shape: Shape,
  count: number,
  { seed = 1, model = 1, skill = 0.6 }: Simulated = {},
): ScoredRows {
  const asked = new MersenneTwister(hashSeed(seed, 'asked'))
  const answered = new MersenneTwister(hashSeed(seed, 'answered', model))
  const groups = Math.ceil(count / 3)
  const rows = Array.from({ length: count }, (_, i) => ({
    ...rowOf(shape, asked, answered, skill),
    ...(shape === 'groups' && { group: `q${i % groups}` }),
  }))
  return {
    kind: KINDS[shape],
    rows,
    ...((shape === 'labels' || shape === 'groups') && { classes: { labels: labelsOf(shape), positive: 'good' } }),
    ...unitsOf(rows),
  }
}

const KINDS = {
  labels: 'classification',
  groups: 'classification',
  numbers: 'regression',
  texts: 'text',
  tags: 'token_classification',
} as const satisfies Record<Shape, ScoredRows['kind']>

const labelsOf = (shape: 'labels' | 'groups') => (shape === 'groups' ? LABELS.slice(0, 2) : LABELS)

const pick = <Of>(from: readonly Of[], generator: MersenneTwister): Of => from[generator.uint32() % from.length]!

function rowOf(shape: Shape, asked: MersenneTwister, answered: MersenneTwister, skill: number): AnsweredRow {
  const easy = asked.uniform() < EASY
  const knows = answered.uniform() < skill
  const right = easy || knows
  switch (shape) {
    case 'labels':
    case 'groups': {
      const target = pick(labelsOf(shape), asked)
      const other = pick([...labelsOf(shape), 'ugly'], answered) // 'ugly' is not a label
      return { target, prediction: right ? `${target} ` : other }
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
      const other = [words[0], pick(WORDS, answered), pick(WORDS, answered)].join(' ')
      return { target, prediction: right ? target : other, ...(answers && { answers }) }
    }
    case 'tags': {
      const tags = Array.from({ length: 1 + (asked.uint32() % 8) }, () => pick(TAGS, asked))
      const prediction = tags.map((tag) => (easy || answered.uniform() < skill ? tag : pick(TAGS, answered)))
      return { target: tags.join(' '), prediction: prediction.join(' ') }
    }
    default:
      return assertNever(shape, 'shape')
  }
}
