import { expect, test } from 'vitest'
import { delimited, fields, integer, joined, packed } from '../../../src/engine/graph/protobuf.js'

test('fields are read back as they were written', () => {
  const message = joined([integer(1, -1), delimited(200, 'né'), integer(3, true), delimited(4, [integer(1, 2 ** 40)])])
  expect([...fields(message)]).toEqual([
    [1, 2n ** 64n - 1n],
    [200, new Uint8Array(Buffer.from('né'))],
    [3, 1n],
    [4, integer(1, 2 ** 40)],
  ])
  expect(packed(Uint8Array.of(1, 0xac, 2, ...Array(9).fill(0xff), 1))).toEqual([1, 300, -1])
})

test.each([
  ['a number that does not end', [0x08, 0xff]],
  ['a number of more than ten bytes', [0x08, ...Array(12).fill(0xff)]],
  ['a length beyond the end', [0x0a, 0x05, 0x61]],
  ['a length of two gigabytes', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07]],
  ['a field cut short', [0x09, 0x01]],
  ['a field of a kind that there is not', [0x0f, 0x01]],
])('a message with %s is an error', (_name, bytes) => {
  expect(() => [...fields(Uint8Array.from(bytes))]).toThrow()
})
