import { describe, expect, test } from 'vitest'
import { taskOptions } from '../../src/task/options.js'
import { sameRows } from '../../src/task/rows/same_rows.js'

const warned = (split: string, train: string, validation: string, test: string) => {
  const task = taskOptions.parse({ kind: 'classification', name: 'mine', prompt: '{q}', split })
  const of = (sha256: string) => ({ file: `${sha256}.csv`, sha256 })
  return sameRows(task, { train: of(train), validation: of(validation), test: of(test) })
}
const trained = (split: string, file: string) =>
  `The ${split} rows (${file}) include rows that the model is trained on: their score says nothing of new rows. task.split: both_held_out makes train, validation and test of one file.`

describe('splits of the same content are warned of', () => {
  test('that are trained on', () => {
    expect(warned('given', 'a', 'b', 'a')).toEqual([trained('test', 'a.csv')])
    expect(warned('given', 'a', 'a', 'b')).toEqual([trained('validation', 'a.csv')])
    expect(warned('given', 'a', 'a', 'a')).toEqual([trained('validation', 'a.csv'), trained('test', 'a.csv')])
  })

  test('that choose the best checkpoint', () => {
    expect(warned('given', 'a', 'b', 'b')).toEqual([
      'The test rows (b.csv) are the validation rows, which choose the best checkpoint: their score tends to be too high. task.split: halves makes validation and test of one file.',
    ])
  })

  test('but not where they are parts of one file', () => {
    expect(warned('given', 'a', 'b', 'c')).toEqual([])
    expect(warned('held_out', 'a', 'a', 'b')).toEqual([])
    expect(warned('halves', 'a', 'b', 'b')).toEqual([])
    expect(warned('both_held_out', 'a', 'a', 'a')).toEqual([])
  })

  test('also where only one of them is a part', () => {
    expect(warned('held_out', 'a', 'a', 'a')).toEqual([trained('test', 'a.csv')])
    expect(warned('halves', 'a', 'a', 'a')).toEqual([trained('validation', 'a.csv'), trained('test', 'a.csv')])
  })
})
