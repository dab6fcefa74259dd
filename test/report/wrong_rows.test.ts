import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPredictions } from '../../src/report/wrong_rows.js'
import { readRun } from '../../src/run/compare/read_run.js'
import { score } from '../../src/task/metrics/metrics.js'
import { newFolder, writeRun } from './runs.js'

const read = (predictions: object[], sets: string[] = []) =>
  readPredictions(readRun(writeRun(join(newFolder(), 'run'), { predictions, sets })))

const line = (row: number, target: string, prediction: string, more = {}) => ({
  row,
  source: `s${row}`,
  target,
  prediction,
  ...more,
})
const scores = (zero: number, one: number) => ({ scores: { 0: zero, 1: one } })

test('of ranked labels the surest of the wrong come first', async () => {
  const {
    worst,
    note: _,
    residuals,
    ...rest
  } = (await read([
    line(1, '0', '1', scores(-1.5, -1)),
    line(2, '1', '1', scores(-9, -1)),
    line(3, '1', '0', scores(-0.25, -4)),
    line(4, '0', '1', scores(-3, -1)),
  ]))!
  expect(worst.map(({ row, error }) => [row, error])).toEqual([
    [3, 3.75],
    [4, 2],
    [1, 0.5],
  ])
  expect(residuals).toBeUndefined()
  expect(rest).toEqual({
    rows: 4,
    wrong: 3,
    damagedLines: 0,
    order: 'by how much likelier the wrong answer was than the right one, in nats',
    confusion: {
      labels: ['0', '1'],
      names: ['negative', 'positive'],
      counts: [
        [0, 2, 0],
        [1, 1, 0],
      ],
    },
  })
})

test('of decoded labels the first ten in the order of the file, and outputs that are not labels count', async () => {
  const rows = Array.from({ length: 13 }, (_, i) => line(i + 1, i % 2 ? '1' : '0', i === 0 ? ' 0 ' : 'positive'))
  const { worst, wrong, confusion, order } = (await read(rows))!
  expect(worst.map(({ row }) => row)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  const shown = { target: 'positive (1)', prediction: 'positive' } // which is not the label, but its name
  expect(worst[0]).toEqual({ row: 2, source: 's2', ...shown, error: undefined })
  expect([wrong, confusion?.counts]).toEqual([
    12,
    [
      [1, 0, 6],
      [0, 0, 6],
    ],
  ])
  expect(order).toBe("in the file's order; `--scoring rank` sorts them by how sure the model was")
})

test('of numbers the farthest come first, and before them outputs that are not numbers', async () => {
  const { worst, confusion } = (await read(
    [line(1, '2.0', '2.4'), line(2, '1.0', '5.0'), line(3, '3.0', 'three'), line(4, '3.0', '3.0'), line(5, '1.0', ' ')],
    ['task=glue/stsb'],
  ))!
  expect(worst.map(({ row, error }) => [row, error && Number(error.toFixed(6))])).toEqual([
    [3, Number.POSITIVE_INFINITY],
    [5, Number.POSITIVE_INFINITY],
    [2, 4],
    [1, 0.4],
  ])
  expect(confusion).toBeUndefined()
})

test('the distance of a number is that from the value of its row, of which the target is rounded', async () => {
  const rows = [line(1, '2.0', '2.2', { label: '1.91' }), line(2, '1.0', '1.4', { label: '1.09' })]
  const { worst } = (await read(rows, ['task=glue/stsb']))!
  expect(worst.map(({ row, error }) => [row, error && Number(error.toFixed(6))])).toEqual([
    [2, 0.31],
    [1, 0.29],
  ])
})

test('of numbers the errors are summed up; the means count what is not a number as the scores do, the rest leaves it out', async () => {
  const { residuals } = (await read(
    [
      line(1, '2.0', '2.4', { label: '1.9' }),
      line(2, '1.0', '5.0'),
      line(3, '3.0', 'three'),
      line(4, '3.0', '3'),
      line(5, '4.0', '2'),
    ],
    ['task=glue/stsb'],
  ))!
  // expected: errors 0.5, 4, -1 - 3, 0, -2 by hand, the third in the means alone; the root is that of 36.25 / 5
  const { bins, ...summary } = residuals!
  expect(summary).toEqual({ numbers: 4, mae: 2.1, rmse: Math.sqrt(7.25), largest: 4, bias: 0.625 })
  const outputs = ['2.4', '5.0', 'three', '3', '2']
  expect(score(['mae', 'rmse'], outputs, ['1.9', '1.0', '3.0', '3.0', '4.0'])).toEqual({
    mae: summary.mae,
    rmse: summary.rmse,
  })
  expect(bins.map(({ rows }) => rows)).toEqual([
    ...Array(5).fill(0),
    1,
    ...Array(4).fill(0),
    1,
    1,
    ...Array(8).fill(0),
    1,
  ])
  expect(bins[10]!.from).toBeCloseTo(-4 / 21)
  expect(bins[20]!.to).toBeCloseTo(4)
})

test.each([
  ['glue/stsb', ['2.0', '2.4'], 'outputs that are not numbers first, then the largest errors'],
  ['superglue/record', ['Paris', 'London'], "in the file's order"],
])(
  'a task of the kind of %s, which cannot be ranked, has no hint at ranking',
  async (task, [target, output], order) => {
    expect((await read([line(1, target!, output!)], [`task=${task}`]))!.order).toBe(order)
  },
)

test('a label that no row has is in the confusion matrix of a task that names it, or of ranked labels', async () => {
  const named = await read([line(1, '0', '1'), line(2, '2', '2')], ['task=glue/mnli'])
  expect(named!.confusion).toEqual({
    labels: ['0', '1', '2'],
    names: ['entailment', 'neutral', 'contradiction'],
    counts: [
      [0, 1, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 1, 0],
    ],
  })
  const ranked = await read([line(1, '0', '1', scores(-2, -1))])
  expect(ranked!.confusion).toEqual({
    labels: ['0', '1'],
    names: ['negative', 'positive'],
    counts: [
      [0, 1, 0],
      [0, 0, 0],
    ],
  })
})

test('any of several answers is right', async () => {
  const answers = { answers: ['Paris', 'the city of Paris'] }
  const { worst } = (await read(
    [line(1, 'Paris', 'the city of Paris', answers), line(2, 'Paris', 'London', answers)],
    ['task=superglue/record'],
  ))!
  expect(worst.map(({ row }) => row)).toEqual([2])
})

test('a text holds any character: no line ends at a line separator of Unicode, which JSON leaves as it is', async () => {
  const source = 'a\u2028b\u2029c\u0085d'
  const { worst, rows, damagedLines } = (await read([{ ...line(1, '0', '1'), source }, line(2, '1', '1')]))!
  expect([worst[0]!.source, rows, damagedLines]).toEqual([source, 2, 0])
})

test('lines that are not predictions are counted and skipped', async () => {
  const folder = writeRun(join(newFolder(), 'run'), { predictions: [line(1, '0', '1'), { row: 2, source: 5 }] })
  appendFileSync(join(folder, 'predictions.jsonl'), '\n[1, 2]\n{"row": 3, "sou')
  expect(await readPredictions(readRun(folder))).toMatchObject({ rows: 1, wrong: 1, damagedLines: 3 })
})

test('a run without the file has none', async () => {
  expect(await readPredictions(readRun(writeRun(join(newFolder(), 'run'))))).toBeUndefined()
})
