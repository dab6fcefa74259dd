import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { normaliseAnswer } from '../../src/task/metrics/answers.js'
import { type Classes, METRIC_NAMES, type MetricName, score, scoreExamples } from '../../src/task/metrics/metrics.js'

interface Case {
  name: string
  predictions: string[]
  targets: string[]
  classes?: Classes
  questions: number[]
  expected: Record<string, number>
}

// expected: test/oracle/metrics.py, scikit-learn 1.9 and scipy 1.17
const fixture = JSON.parse(readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8')) as {
  cases: Case[]
  multirc: Case[]
  gold: { predictions: string[]; targets: string[]; values: string[]; expected: Record<string, number> }
  record: { predictions: string[]; answers: string[][]; expected: Record<string, number> }
}

function expectScores(scores: Record<string, number>, expected: Record<string, number>): void {
  expect(Object.keys(scores).sort()).toEqual(Object.keys(expected).sort())
  for (const [name, value] of Object.entries(expected)) {
    expect(Math.abs(scores[name]! - value), `${name}: ${scores[name]} for ${value}`).toBeLessThan(1e-9)
  }
}

const BINARY: Classes = { labels: ['0', '1'], positive: '1' }

describe('score', () => {
  test.each(fixture.cases)('is scikit-learn’s and scipy’s: $name', ({ predictions, targets, classes, expected }) => {
    expectScores(score(Object.keys(expected) as MetricName[], predictions, targets, classes), expected)
  })

  test('knows no metric that the oracle leaves out', () => {
    const covered = new Set(fixture.cases.flatMap(({ expected }) => Object.keys(expected)))
    expect([...covered].sort()).toEqual([...METRIC_NAMES].sort())
  })

  test('of two labels, an output that is neither is wrong, also where the target is not the positive label', () => {
    // one true positive, one false positive: 2·1 / (2·1 + 1)
    expectScores(score(['accuracy', 'f1'], ['1', 'maybe'], ['1', '0'], BINARY), { accuracy: 50, f1: 200 / 3 })
  })

  test('of three labels, f1 blames the positive one for no error between the others', () => {
    const classes = { labels: ['0', '1', '2'], positive: '1' }
    // 1 found in one of two rows and never put out elsewhere: 2·1 / (1 + 2)
    expectScores(score(['f1'], ['1', '0', '0', '2', 'maybe'], ['1', '1', '2', '0', '2'], classes), { f1: 200 / 3 })
  })

  test('macro_f1 counts a label that no row has and no output is as 0', () => {
    const labels = { labels: ['0', '1', '2', '3'], positive: '1' }
    expectScores(score(['macro_f1'], ['0', '1'], ['0', '1'], labels), { macro_f1: 50 })
  })

  test('F1 without the labels of the task is refused', () => {
    for (const name of ['f1', 'macro_f1'] as const)
      expect(() => score([name], ['1'], ['1'])).toThrow('F1 cannot be scored without the labels of the task')
  })

  test('white space around an output does not make it wrong', () => {
    expect(score(['accuracy'], [' 1', '0\n'], ['1', '0'])).toEqual({ accuracy: 100 })
  })

  test('of nothing is 0, never NaN', () => {
    expect(score(METRIC_NAMES, [], [], BINARY)).toEqual(Object.fromEntries(METRIC_NAMES.map((name) => [name, 0])))
  })

  test('refuses lists of different lengths', () => {
    expect(() => score(['accuracy'], ['1'], [])).toThrow('1 predictions cannot be scored against 0 targets')
  })
})

describe('MultiRC', () => {
  test.each(fixture.multirc)('is scikit-learn’s: $name', ({ predictions, targets, questions, expected }) => {
    const examples = targets.map((target, i) => ({ target, group: String(questions[i]) }))
    const { f1a, group_exact_match } = scoreExamples(['f1a', 'group_exact_match'], predictions, examples, BINARY)
    expectScores({ f1a: f1a!, exact_match: group_exact_match! }, expected)
  })
})

test('ReCoRD takes the best of a query’s answers', () => {
  const { predictions, answers, expected } = fixture.record
  const examples = answers.map((accepted) => ({ target: accepted[0] ?? '', answers: accepted }))
  const { token_f1, exact_match } = scoreExamples(['token_f1', 'exact_match'], predictions, examples)
  expectScores({ f1: token_f1!, exact_match: exact_match! }, expected)
})

test('f1 is for the label that is called positive', () => {
  const examples = ['yes', 'yes', 'no', 'no'].map((target) => ({ target }))
  // two true positives, one false positive: 2·2 / (2·2 + 1)
  const classes = { labels: ['no', 'yes'], positive: 'yes' }
  expect(scoreExamples(['f1', 'f1a'], ['yes', 'yes', 'yes', 'no'], examples, classes)).toEqual({ f1: 80, f1a: 80 })
})

test('a regression is scored against the values of its label column, not against targets rounded to steps', () => {
  const { predictions, targets, values, expected } = fixture.gold
  const examples = targets.map((target, i) => ({ target, label: values[i]! }))
  expectScores(scoreExamples(['pearson', 'spearman', 'mae', 'rmse'], predictions, examples), expected)
})

test('without answers the target is the answer', () => {
  expect(scoreExamples(['exact_match'], ['The cat.', 'dog'], [{ target: 'cat' }, { target: 'cat' }])).toEqual({
    exact_match: 50,
  })
})

test.each([
  ['The U.S., an “ally” of the theatre', 'us “ally” of theatre'],
  ['a\tbanana  — A', 'banana —'],
  ['the', ''],
  ['éa the á', 'éa á'],
])('normaliseAnswer gives %j as SQuAD’s script does', (text, expected) => {
  expect(normaliseAnswer(text)).toBe(expected)
})
