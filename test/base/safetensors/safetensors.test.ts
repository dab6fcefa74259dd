import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'

// expected: test/oracle/tensor_files.py, PyTorch and the Python safetensors library
const FIXTURES = join(packageRoot, 'test/fixtures')
const folder = mkdtempSync(join(tmpdir(), 'safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'x.safetensors')
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
