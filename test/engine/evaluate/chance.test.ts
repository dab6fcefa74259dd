import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { perfect, scored } from '../../support/scripted.js'

const folder = mkdtempSync(join(tmpdir(), 'chance-'))
afterAll(() => rmSync(folder, { recursive: true }))

const rowsOf = (labels: (string | number)[]) => labels.map((label, i) => ({ text: `row ${i}`, label }))
const chance = async (task: object, rows: object[], more: Parameters<typeof scored>[4] = {}) =>
  (await scored(folder, perfect, { ...task }, rows, more)).chance

describe('the score of a guess that looks at no row', () => {
  // From scikit-learn, where X is any column of as many rows, each score × 100:
  //   guess = DummyClassifier(strategy='most_frequent').fit(X, train).predict(X)
  //   accuracy_score(y, guess), f1_score(y, guess, labels=['b'], average=None)[0],
  //   f1_score(y, guess, labels=['a', 'b', 'c'], average='macro'), matthews_corrcoef(y, guess)
  // The F1 of one label is not average='binary', which scikit-learn refuses where there are three.
  test('is that of the commonest label of the training rows, not of the split', async () => {
    const train = rowsOf(['a', 'b', 'b', 'c', 'b'])
    const test = rowsOf(['b', 'a'])
    const metrics = ['accuracy', 'f1', 'macro_f1', 'matthews']
    expect(await chance({ metrics, positive: 'b' }, rowsOf(['a', 'a', 'a', 'b', 'c']), { train, test })).toEqual({
      by: 'majority_class',
      guess: 'b',
      validation: { accuracy: 20, f1: expect.closeTo(33.333333), macro_f1: expect.closeTo(11.111111), matthews: 0 },
      test: { accuracy: 50, f1: expect.closeTo(66.666667), macro_f1: expect.closeTo(22.222222), matthews: 0 },
    })
  })

  // DummyRegressor().fit(X, train).predict(X): 2.35
  test('of a regression is that of the mean of the training rows, in steps, which correlates with nothing', async () => {
    const train = rowsOf([1, 2, 2, 4.4])
    expect(await chance({ kind: 'regression' }, rowsOf([1, 2, 3]), { train })).toMatchObject({
      by: 'mean',
      guess: '2.4',
      test: { pearson: 0, spearman: 0 },
    })
  })

  test("of choices is one of a row's own at random", async () => {
    const choices = ['good', 'bad', 'middling', 'odd']
    const row = (count: number) => ({ text: `${count}`, label: 0, choices: choices.slice(0, count) })
    const task = { kind: 'multiple_choice', choices: 'choices' }
    expect(await chance(task, [row(2), row(4)], { test: [row(4), row(4)] })).toEqual({
      by: 'uniform',
      validation: { accuracy: 37.5 },
      test: { accuracy: 25 },
    })
  })

  test('of free text is undefined', async () => {
    expect(await chance({ kind: 'text' }, [{ text: 'a', target: 'b' }])).toBeUndefined()
  })
})
