// expected: test/oracle/tags.py, seqeval's default mode
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { entitiesOf, entityScores, scoreTags, TAG_METRICS, unfitTag } from '../../src/task/metrics/entities.js'

interface Case {
  scheme: string
  targets: string[][]
  predictions: string[][]
  /** Type, first word, last word. */
  entities: [string, number, number][][]
  f1: number
  precision: number
  recall: number
  accuracy: number
  types: Record<string, { precision: number; recall: number; 'f1-score': number; support: number }>
}
const cases = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/entities.json'), 'utf8')) as Case[]

describe.each(['IOB2', 'IOB1', 'BIOES', 'mixed'])('tags of the scheme %s', (scheme) => {
  const own = cases.filter((one) => one.scheme === scheme)

  test('have the entities that seqeval finds', () => {
    for (const { predictions, entities } of own) {
      const found = predictions.map((tags) => entitiesOf(tags).map(({ type, start, end }) => [type, start, end - 1]))
      expect(found).toEqual(entities)
    }
  })

  test('have the scores of seqeval, × 100', () => {
    expect(own.length).toBeGreaterThanOrEqual(16)
    for (const { predictions, targets, ...expected } of own) {
      const scores = scoreTags(TAG_METRICS, predictions, targets)
      for (const metric of TAG_METRICS) expect(scores[metric]).toBeCloseTo(100 * expected[metric], 10)
    }
  })

  test('have the scores of seqeval for each type', () => {
    for (const { predictions, targets, types } of own) {
      const scores = entityScores(predictions, targets)
      expect(scores.map(({ type }) => type)).toEqual(Object.keys(types).sort())
      for (const { type, precision, recall, f1, wanted } of scores) {
        const expected = types[type]!
        expect(wanted).toBe(expected.support)
        expect(precision).toBeCloseTo(100 * expected.precision, 10)
        expect(recall).toBeCloseTo(100 * expected.recall, 10)
        expect(f1).toBeCloseTo(100 * expected['f1-score'], 10)
      }
    }
  })
})

test('a tag that is of no entity is found only for metrics of entities', () => {
  expect(unfitTag(['accuracy', 'f1'], ['O', 'B-PER', 'S', 'NN'])).toBe('NN')
  expect(unfitTag(['precision'], ['O', 'B-PER', 'BPER'])).toBe('BPER')
  expect(unfitTag(['accuracy'], ['NN'])).toBeUndefined()
  expect(unfitTag(['recall'], ['O', 'B-', 'E-LOC', 'I'])).toBeUndefined()
})
