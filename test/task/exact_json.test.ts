import { expect, test } from 'vitest'
import { parseExactly } from '../../src/task/rows/exact_json.js'

test.each<[string, unknown]>([
  ['{"a": 1, "b": -2.5, "c": 1e-7, "d": 9007199254740991}', { a: 1, b: -2.5, c: 1e-7, d: 9007199254740991 }],
  ['[1.0, 2.50, -0, 1E5, 1e21, 0.0000001]', ['1.0', '2.50', '-0', '1E5', '1e21', '0.0000001']],
  [
    '[9007199254740993, 12345678901234567890, 0.1234567890123456789]',
    ['9007199254740993', '12345678901234567890', '0.1234567890123456789'],
  ],
  ['{"1.0": "1.0 NaN", "a\\"2.50": ["\\\\", 3.0]}', { '1.0': '1.0 NaN', 'a"2.50': ['\\', '3.0'] }],
  [
    '{"a": NaN, "b": [Infinity, -Infinity], "NaN": "NaN", "c": 1.0}',
    {
      a: null,
      b: ['Infinity', '-Infinity'],
      NaN: 'NaN',
      c: '1.0',
    },
  ],
])('%s', (text, value) => {
  expect(parseExactly(text)).toEqual(value)
})

test.each([
  '{1.0: 2}',
  '{NaN: 1}',
  '{Infinity: 1.0}',
  '[01]',
  '[1.0.0]',
  '[NaNs]',
  '[1.0 2.0]',
  '[+1.0]',
  '[-]',
  '["\n", 1.0]',
  '',
])('text that is not JSON stays invalid: %j', (text) => {
  expect(() => parseExactly(text)).toThrow(SyntaxError)
})

test('a text of 16 MB costs no more than a token', () => {
  const text = `${'x'.repeat(8 * 2 ** 20)}${'\\n'.repeat(4 * 2 ** 20)}`
  expect(parseExactly(`{"text": "${text}", "label": 1.0}`)).toMatchObject({ label: '1.0' })
})
