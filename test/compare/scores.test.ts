import { describe, expect, test } from 'vitest'
import { SHAPES, type Shape, simulatedAnswers } from '../../bench/simulated_answers.js'
import { MersenneTwister } from '../../src/base/numbers/random.js'
import { scoreOf } from '../../src/compare/scores/score.js'
import type { AnsweredRow, AnyMetric, ScoredRows } from '../../src/compare/scores/scored_rows.js'
import { unitsOf } from '../../src/compare/scores/scored_rows.js'
import { randomisation } from '../../src/statistics/draws.js'
import { scoreTags, type TagMetric } from '../../src/task/metrics/entities.js'
import { scoreExamples, type TaskMetric } from '../../src/task/metrics/metrics.js'
import { metricsOfKind } from '../../src/task/options.js'
import { tagsIn } from '../../src/task/words/tagged.js'

// expected: the scores of `eval`, which scikit-learn, scipy and seqeval's rules hold (test/task/metrics.test.ts)

function scored(metric: AnyMetric, { kind, classes }: ScoredRows, rows: readonly AnsweredRow[]): number {
  const outputs = rows.map(({ prediction }) => prediction)
  if (kind !== 'token_classification')
    return scoreExamples([metric as TaskMetric], outputs, [...rows], classes)[metric]!
  const targets = rows.map(({ target }) => tagsIn(target))
  return scoreTags([metric as TagMetric], outputs.map(tagsIn), targets)[metric]!
}

const cases = Object.entries(SHAPES).flatMap(([shape, metrics]) =>
  metrics.map((metric) => ({ shape: shape as Shape, metric })),
)

test('every metric of every kind of task is one of these', () => {
  const kinds = ['classification', 'regression', 'text', 'multiple_choice', 'token_classification'] as const
  const known = new Set<string>(cases.map(({ metric }) => metric))
  for (const kind of kinds) for (const metric of metricsOfKind(kind)) expect(known).toContain(metric)
})

describe.each(cases)('$metric of $shape', ({ shape, metric }) => {
  const [first, second] = [1, 2].map((model) => simulatedAnswers(shape, 120, { model }))
  const outputs = [first!, second!].flatMap(({ rows }) => rows.map(({ prediction }) => prediction))
  const a = scoreOf(metric, first!, outputs)

  test('is the score of eval, for all rows and for resamples', () => {
    expect(a.observed).toBeCloseTo(scored(metric, first!, first!.rows), 9)
    const generator = new MersenneTwister(7)
    for (let draw = 0; draw < 5; draw++) {
      const counts = new Int32Array(first!.units)
      for (let i = 0; i < counts.length; i++) counts[generator.uint32() % counts.length]!++
      expect(a.of(counts)).toBeCloseTo(scored(metric, first!, repeated(first!, counts)), 9)
    }
  })

  test('has the p-value of all exchanges of few units, each scored by eval', () => {
    const few = [1, 2].map((model) => simulatedAnswers(shape, 9, { model, skill: model === 1 ? 0.9 : 0.3 }))
    const [one, two] = few as [ScoredRows, ScoredRows]
    const texts = few.flatMap(({ rows }) => rows.map(({ prediction }) => prediction))
    const [p] = randomisation([{ first: scoreOf(metric, one, texts), second: scoreOf(metric, two, texts) }], {
      draws: 6000,
      seed: 5,
    })
    const difference = (exchange: number) => {
      const mixed = (own: ScoredRows, other: ScoredRows) =>
        own.rows.map((row, i) => (((exchange >> own.unitOf[i]!) & 1) === 1 ? other.rows[i]! : row))
      return scored(metric, one, mixed(one, two)) - scored(metric, one, mixed(two, one))
    }
    const all = Array.from({ length: 2 ** one.units }, (_, exchange) => Math.abs(difference(exchange)))
    const exact = all.filter((each) => each >= all[0]! - 1e-9).length / all.length
    expect(Math.abs(p! - exact)).toBeLessThan(0.025) // four standard errors
  })

  test('of answers that are all the same is a number too', () => {
    const constant = { ...first!, rows: first!.rows.map((row) => ({ ...row, prediction: 'good' })) }
    const score = scoreOf(metric, constant, ['good'])
    expect(score.observed).toBeCloseTo(scored(metric, constant, constant.rows), 9)
    const one = new Int32Array(first!.units)
    one[3] = one.length
    expect(a.of(one)).toBeCloseTo(scored(metric, first!, repeated(first!, one)), 9)
  })
})

/** Repeats rows with their units; groups that are drawn twice are two groups. */
function repeated({ rows, unitOf }: ScoredRows, counts: Int32Array): AnsweredRow[] {
  return rows.flatMap((row, i) =>
    Array.from({ length: counts[unitOf[i]!]! }, (_, copy) =>
      row.group === undefined ? row : { ...row, group: `${row.group} ${copy}` },
    ),
  )
}

test('rows of a group are one unit, other rows a unit each', () => {
  const rows = [{ group: 'b' }, {}, { group: 'a' }, { group: 'b' }, {}]
  expect(unitsOf(rows)).toEqual({ unitOf: Int32Array.from([0, 1, 2, 0, 3]), units: 4 })
})
