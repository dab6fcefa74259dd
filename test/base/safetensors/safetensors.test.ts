import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { firstNotFinite } from '../../../src/base/numbers/finite.js'
import { bf16ToFloat32, f16ToFloat32 } from '../../../src/base/numbers/half.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'

// expected: test/oracle/tensor_files.py, PyTorch and the Python safetensors library
const FIXTURES = join(packageRoot, 'test/fixtures')
const digests = JSON.parse(readFileSync(join(FIXTURES, 'safetensors.json'), 'utf8')) as {
  halves: { f16: string; bf16: string }
}

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'x.safetensors')
const everyHalf = Uint16Array.from({ length: 65536 }, (_, i) => i)

/** SHA-256 of float32 values, every NaN written alike. */
function digest(values: Float32Array): string {
  return createHash('sha256')
    .update(Float32Array.from(values, (value) => (Number.isNaN(value) ? Number.NaN : value)))
    .digest('hex')
}

describe('half precision', () => {
  test.each([
    ['f16', f16ToFloat32],
    ['bf16', bf16ToFloat32],
  ] as const)('all 65,536 values of %s are what PyTorch says', (name, convert) => {
    const values = new Float32Array(65536)
    convert(everyHalf, values)
    expect(digest(values)).toBe(digests.halves[name])
  })

  // By the definition of binary16, for a failure that names the value.
  test('every float16 by its formula', () => {
    const values = new Float32Array(65536)
    f16ToFloat32(everyHalf, values)
    for (const half of everyHalf) {
      const [exponent, fraction] = [(half >> 10) & 31, half & 1023]
      const finite = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
      const magnitude = exponent < 31 ? finite : fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN
      expect(values[half], `0x${half.toString(16)}`).toBe(half & 0x8000 ? -magnitude : magnitude)
    }
  })

  test('a NaN keeps its payload, and an offset is kept to', () => {
    const values = new Float32Array(3).fill(9)
    f16ToFloat32(Uint16Array.of(0x7e01), values, 1)
    expect([...new Uint32Array(values.buffer)]).toEqual([0x41100000, 0x7fc02000, 0x41100000])
  })
})

describe("the Python library's file", () => {
  const file = openSafetensors(join(FIXTURES, 'dtypes.safetensors'))
  afterAll(() => file.close())

  test('metadata, names and shapes', () => {
    expect(file.metadata).toEqual({ format: 'pt', note: 'naïve "quoted"' })
    const shapes = Object.fromEntries([...file.entries].map(([name, { dtype, shape }]) => [name, [dtype, ...shape]]))
    expect(shapes).toEqual({
      f32: ['F32', 2, 3],
      f16: ['F16', 1, 2, 2],
      bf16: ['BF16', 3],
      i64: ['I64', 2, 2],
      'i64 too large': ['I64', 1],
      i32: ['I32', 2],
      bool: ['BOOL', 1],
      scalar: ['F32'],
      empty: ['F32', 0, 5],
      名前: ['F32', 1],
    })
  })

  test.each([
    ['f16', [65504, 2 ** -24, -1, 0.333251953125]],
    // torch.tensor([3.140625, -1e38, 1e-40], dtype=torch.bfloat16).float().tolist()
    ['bf16', [3.140625, -9.969209968386869e37, 9.183549615799121e-41]],
    ['scalar', [42]],
    ['empty', []],
    ['名前', [1]],
  ])('%s', (name, values) => {
    expect([...file.read(name)]).toEqual(values)
  })

  test('a tensor with an infinity is refused by its place, and its bytes are there', () => {
    expect(() => file.read('f32')).toThrow(
      `${FIXTURES}/dtypes.safetensors: tensor f32 holds Infinity as its element 4, at [1, 1]; 1 of 6 are NaN or infinite. Take an undamaged copy.`,
    )
    const values = new Float32Array(6)
    file.readBytes('f32', 0, new Uint8Array(values.buffer))
    expect([...values]).toEqual([1.5, -2.25, Math.fround(3e38), 1.401298464324817e-45, Number.POSITIVE_INFINITY, -0])
  })

  test('integers', () => {
    expect([...file.readInts('i64')]).toEqual([1, -2, 2147483647, -2147483648])
    expect([...file.readInts('i32')]).toEqual([7, -7])
  })

  test.each([
    [
      'a wrong type',
      () => file.read('i64'),
      'stores tensor i64 as I64; expected F32, F16 or BF16. Convert it to F32, F16 or BF16.',
    ],
    [
      'no integers',
      () => file.readInts('f32'),
      'stores tensor f32 as F32; expected I32 or I64. Convert it to I32 or I64.',
    ],
    [
      'an integer of 33 bits',
      () => file.readInts('i64 too large'),
      'tensor i64 too large holds 2147483648, which does not fit 32 bits.',
    ],
    ['no such tensor', () => file.read('f64'), 'has no tensor f64.'],
  ])('%s is named', (_, read, expected) => {
    expect(read).toThrow(`${FIXTURES}/dtypes.safetensors: ${expected}`)
  })
})

describe('writing', () => {
  const tensors = [
    ['b', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['a', { shape: [], data: Float32Array.of(-0.1) }],
    ['10', { shape: [2], data: Int32Array.of(-1, 7) }],
    ['empty', { shape: [0, 4], data: new Float32Array(0) }],
  ] as const

  test('is read back, views too', () => {
    const view = new Float32Array([9, 8, 7, 6]).subarray(1, 3)
    writeSafetensors(path, [...tensors, ['view', { shape: [2], data: view }]], { step: '3', 'best "score"': '0.5' })
    const file = openSafetensors(path)
    expect(file.metadata).toEqual({ step: '3', 'best "score"': '0.5' })
    expect([...file.read('b')]).toEqual([1, 2, 3, 4, 5, 6])
    expect([...file.read('a')]).toEqual([Math.fround(-0.1)])
    expect([...file.readInts('10')]).toEqual([-1, 7])
    expect([...file.read('view')]).toEqual([8, 7])
    expect(file.entries.get('empty')!.shape).toEqual([0, 4])
    file.close()
  })

  // The bytes that this writer gave when the Python library read them; a change of format must be meant.
  test('gives the same bytes for any order of tensors, and begins the data at a multiple of 8', () => {
    writeSafetensors(path, tensors, { b: '1', a: '2' })
    const bytes = readFileSync(path)
    writeSafetensors(path, [...tensors].reverse(), { a: '2', b: '1' })
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()).toBe(
      '{"__metadata__":{"a":"2","b":"1"},"10":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[12,36]},"empty":{"dtype":"F32","shape":[0,4],"data_offsets":[36,36]}}'.padEnd(
        264,
      ),
    )
    expect(bytes.length).toBe(8 + 264 + 36)
  })

  test.each([
    [
      'a shape that does not hold the values',
      [['a', { shape: [3], data: new Float32Array(2) }]],
      'tensor a has 2 values; its shape [3] has 3',
    ],
    ['one name twice', [tensors[0], tensors[0]], 'tensor name b is taken'],
    ["the header's own name", [['__metadata__', tensors[1][1]]], 'tensor name __metadata__ is taken'],
  ] as const)('refuses %s and leaves no file', (_, wrong, expected) => {
    rmSync(path, { force: true })
    expect(() => writeSafetensors(path, wrong)).toThrow(expected)
    expect(readdirSync(folder)).toEqual([])
  })
})

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
