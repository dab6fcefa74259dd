import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { firstNotFinite } from '../../../src/base/numbers/finite.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'x.safetensors')
/** A file with any header and so many bytes of data; `length` is what its first eight bytes say. */
function forge(header: unknown, dataBytes: number, length?: bigint): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(length ?? BigInt(json.length))
  writeFileSync(path, Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]))
}

const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})
const DAMAGED = 'The file is damaged or was not copied whole: fetch it again.'

describe('a value that is not a number is refused', () => {
  const halves = (...bits: number[]) => Buffer.from(Uint16Array.from(bits).buffer)
  const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer)
  const NOT_F32 = 'If it was converted to float16, values beyond 65504 became infinite: convert it to float32 instead.'

  test.each([
    ['F32', floats(1, 2, 3, Number.NaN), 'NaN', 3],
    ['F32', floats(1, -1 / 0, 3, Number.NaN), '-Infinity', 1],
    ['F16', halves(0x3c00, 0x7bff, 0xfc00, 0x0000), '-Infinity', 2], // 1, 65504, -infinity, 0
    ['F16', halves(0x7c01, 0x0001, 0x8000, 0x0000), 'NaN', 0],
    ['BF16', halves(0x3f80, 0x7f7f, 0x7f80, 0x0000), 'Infinity', 2], // 1, 3.39e38, infinity, 0
    ['BF16', halves(0x3f80, 0x0001, 0x0000, 0xffc0), 'NaN', 3],
  ] as const)('%s %#', (dtype, bytes, value, at) => {
    forge({ x: entry(0, bytes.length, [2, 2], dtype) }, 0)
    writeFileSync(path, Buffer.concat([readFileSync(path), bytes]))
    const file = openSafetensors(path)
    const wrong = dtype === 'F32' && at === 1 ? 2 : 1
    expect(() => file.read('x')).toThrow(
      `${path}: tensor x holds ${value} as its element ${at}, at [${at >> 1}, ${at & 1}]; ${wrong} of 4 are NaN or infinite. Take an undamaged copy. ${NOT_F32}`,
    )
    file.close()
  })

  test('at any place, in a view too; and no number is mistaken for one', () => {
    const edges = Float32Array.from([0, -0, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -1e-38, 65536, 0.1])
    for (let length = 0; length < 40; length++) {
      const buffer = Float32Array.from({ length: length + 3 }, (_, i) => edges[i % 8]!).fill(Number.NaN, 0, 3)
      const values = buffer.subarray(3) // in front of it, NaN
      expect(firstNotFinite(values)).toBe(-1)
      for (let at = 0; at < length; at++) {
        for (const wrong of [Number.NaN, 1 / 0, -1 / 0]) {
          const changed = values.slice()
          changed[at] = wrong
          expect(firstNotFinite(changed), `${wrong} at ${at} of ${length}`).toBe(at)
        }
      }
    }
  })
})

describe('a hostile file is one clear error', () => {
  test.each([
    [
      'a header larger than the file',
      () => forge({}, 0, 3n),
      `says that its header has 3 bytes; the file has 10. Not safetensors, or truncated. ${DAMAGED}`,
    ],
    [
      'a header beyond 64 bits of reason',
      () => forge({}, 0, 2n ** 64n - 1n),
      `says that its header has 18446744073709552000 bytes; the file has 10. Not safetensors, or truncated. ${DAMAGED}`,
    ],
    ['no JSON', () => forge('{"a": ', 0), `has a header that is not JSON. Not safetensors, or damaged. ${DAMAGED}`],
    [
      'no UTF-8',
      () => writeFileSync(path, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0xff])),
      `has a header that is not JSON. Not safetensors, or damaged. ${DAMAGED}`,
    ],
    ['a list', () => forge([], 0), `has a header that is not a JSON object. Not safetensors, or damaged. ${DAMAGED}`],
    ['five bytes', () => writeFileSync(path, 'short'), `has 5 bytes, too few for a safetensors file. ${DAMAGED}`],
    [
      'no shape',
      () => forge({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4),
      `has no valid dtype, shape and data_offsets for tensor a. ${DAMAGED}`,
    ],
    [
      'a negative size',
      () => forge({ a: entry(0, 4, [-1]) }, 4),
      `has no valid dtype, shape and data_offsets for tensor a. ${DAMAGED}`,
    ],
    ['null', () => forge({ a: null }, 4), `has no valid dtype, shape and data_offsets for tensor a. ${DAMAGED}`],
    [
      'a type from elsewhere',
      () => forge({ a: entry(0, 4, [1], 'Q4_K') }, 4),
      'stores tensor a as Q4_K, which is not a known type. Convert it to F32, F16 or BF16.',
    ],
    [
      'a type of every object',
      () => forge({ a: entry(0, 4, [1], 'constructor') }, 4),
      'stores tensor a as constructor, which is not a known type. Convert it to F32, F16 or BF16.',
    ],
    [
      'offsets that do not fit the shape',
      () => forge({ a: entry(0, 8, [3]) }, 8),
      `gives tensor a 8 bytes; F32 [3] takes 12. ${DAMAGED}`,
    ],
    [
      'a shape beyond all memory',
      () => forge({ a: entry(0, 8, [2 ** 40, 2 ** 40]) }, 8),
      `gives tensor a 8 bytes; F32 [1099511627776, 1099511627776] takes 4.835703278458517e+24. ${DAMAGED}`,
    ],
    [
      'an overlap',
      () => forge({ a: entry(0, 8), b: entry(4, 12) }, 12),
      /has tensor b at byte \d+, where \d+ was expected: overlap or gap\. /,
    ],
    [
      'a gap',
      () => forge({ a: entry(0, 4), b: entry(8, 12) }, 12),
      /has tensor b at byte \d+, where \d+ was expected: overlap or gap\. /,
    ],
    ['bytes left over', () => forge({ a: entry(0, 4) }, 7), `has 3 bytes after its last tensor. ${DAMAGED}`],
    [
      'a header of 100 MB',
      () => {
        forge('', 0, 100_000_000n)
        truncateSync(path, 100_000_008)
      },
      'has a header of 100000000 bytes; at most 4000000 are read. No T5 needs so many: do not trust it.',
    ],
    [
      'a name of a million letters that steers the terminal',
      () => forge({ [`\u001b[2J${'a'.repeat(1e6)}`]: null }, 0),
      `has no valid dtype, shape and data_offsets for tensor \uFFFD[2J${'a'.repeat(116)}…. ${DAMAGED}`,
    ],
    [
      'offsets that run backwards',
      () => forge({ a: entry(8, 4, [1]) }, 8),
      `gives tensor a -4 bytes; F32 [1] takes 4. ${DAMAGED}`,
    ],
    [
      'sizes whose product is not a number',
      () => forge({ a: entry(0, 0, [...Array(40).fill(2 ** 50), 0]) }, 0),
      /gives tensor a 0 bytes; F32 \[.{120}…\] takes NaN\. /,
    ],
    [
      'metadata of numbers',
      () => forge({ __metadata__: { a: 1 } }, 0),
      `has __metadata__ that is not a map from strings to strings. ${DAMAGED}`,
    ],
  ])('%s', (_, make, expected) => {
    make()
    const message = typeof expected === 'string' ? `${path}: ${expected}` : expected
    expect(() => openSafetensors(path)).toThrow(message)
  })

  test('a truncated file names the first tensor that is not whole', () => {
    forge({ b: entry(8, 40), a: entry(0, 8) }, 40)
    const header = Number(readFileSync(path).readBigUInt64LE()) + 8
    truncateSync(path, header + 20)
    expect(() => openSafetensors(path)).toThrow(
      `${path}: is truncated: tensor b ends at byte ${header + 40}, the file at byte ${header + 20}. ${DAMAGED}`,
    )
  })

  test('a file cut after it was opened', () => {
    forge({ a: entry(0, 8) }, 8)
    const file = openSafetensors(path)
    truncateSync(path, 60)
    expect(() => file.read('a')).toThrow(`${path}: became shorter while it was read. ${DAMAGED}`)
    file.close()
  })

  test('a missing file and a folder', () => {
    expect(() => openSafetensors(join(folder, 'none'))).toThrow(`${folder}/none: no such file.`)
    expect(() => openSafetensors(folder)).toThrow(`${folder}: is a folder, not a file.`)
  })

  test('lists nested a million deep are an error, not a crash', () => {
    forge(`{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`, 0)
    expect(() => openSafetensors(path)).toThrow(
      `${path}: has no valid dtype, shape and data_offsets for tensor a. ${DAMAGED}`,
    )
  })

  test('a tensor called __proto__ is a tensor', () => {
    forge('{"__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', 4)
    const file = openSafetensors(path)
    expect([...file.read('__proto__')]).toEqual([0])
    file.close()
  })
})
