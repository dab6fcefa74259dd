import { expect, test } from 'vitest'
import { jsonLine, probabilities, textLine } from '../../src/predict/output.js'

test('probabilities are those of the labels among each other, of scores far below what float64 can hold too', () => {
  const { no, yes } = probabilities({ no: Math.log(0.1) - 2000, yes: Math.log(0.3) - 2000 })
  expect(no).toBeCloseTo(0.25, 12)
  expect(yes).toBeCloseTo(0.75, 12)
})

const ranked = { text: 'yes', scores: { no: Math.log(0.1), yes: Math.log(0.3) } }

test('a row is one line of text with a field per run, and empty for a bad row', () => {
  expect(textLine({ line: 1, predictions: [ranked, { text: 'a\tb\nc' }] })).toBe('yes\t0.7500\ta b c\n')
  expect(textLine({ line: 2, problem: 'no' })).toBe('\n')
})

test('a row as JSON is the same for one run as below the name of each of several', () => {
  const one = JSON.parse(jsonLine({ line: 7, predictions: [ranked] }, ['runs/a']))
  expect(one).toEqual({
    line: 7,
    prediction: 'yes',
    scores: ranked.scores,
    probabilities: { no: expect.closeTo(0.25, 12), yes: expect.closeTo(0.75, 12) },
  })
  const { line, ...rest } = one
  const several = JSON.parse(jsonLine({ line: 7, predictions: [ranked, { text: 'x' }] }, ['runs/a', 'runs/b']))
  expect(several).toEqual({ line, predictions: { 'runs/a': rest, 'runs/b': { prediction: 'x' } } })
  expect(jsonLine({ line: 8, problem: 'no' }, ['runs/a'])).toBe('{"line":8,"error":"no"}\n')
})

test('the name of a label is a separate field, so that an output with the same text is not mistaken for it', () => {
  const named = { ...ranked, labelName: 'agreed' }
  const predictions = [named, { text: 'agreed', labelName: null }, { text: 'x' }]
  expect(textLine({ line: 1, predictions })).toBe('yes\tagreed\t0.7500\tagreed\t\tx\n')
  expect(JSON.parse(jsonLine({ line: 1, predictions: [named] }, ['a']))).toMatchObject({
    prediction: 'yes',
    label_name: 'agreed',
    scores: ranked.scores,
  })
  expect(jsonLine({ line: 1, predictions: [predictions[1]!] }, ['a'])).toBe(
    '{"line":1,"prediction":"agreed","label_name":null}\n',
  )
})
