import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { openTorchFile } from '../../src/format/torch/read.js'
import { writeTorchFile } from '../../src/format/torch/write.js'
import { zipFile } from './zip_file.js'

// expected: test/oracle/export_files.py, torch.save
const fixture = (name: string) => join(packageRoot, 'test/fixtures/export', name)
const folder = mkdtempSync(join(tmpdir(), 'torch-file-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'x.bin')
const REMEDY = 'Save it anew in Python: torch.save(state_dict, FILE).'

describe("PyTorch's file", () => {
  const file = openTorchFile(fixture('state_dict.bin'))
  afterAll(() => file.close())

  test.each([
    ['f32', [2, 3], [1.5, -2.25, Math.fround(3e38), -0, 1.401298464324817e-45, 7]],
    ['parameter', [2], [Math.fround(0.1), Math.fround(0.2)]],
    ['f16', [2], [0.333251953125, -1]],
    ['bf16', [1], [3.140625]],
    ['scalar', [], [42]],
    ['view', [2, 2], [4, 5, 6, 7]],
  ])('%s', (name, shape, values) => {
    expect(file.tensors.get(name)!.shape).toEqual(shape)
    expect([...file.tensors.get(name)!.read()]).toEqual(values)
  })

  test('a type that is not read is named', () => {
    expect(() => file.tensors.get('i64')!.read()).toThrow(
      `${file.path}: stores tensor i64 as LongStorage; float32, float16 and bfloat16 are read. ${REMEDY}`,
    )
  })
})

test('a value that is not a number is refused by its place', () => {
  writeTorchFile(path, [['a.b', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, Number.NaN) }]])
  const file = openTorchFile(path)
  expect(() => file.tensors.get('a.b')!.read()).toThrow(
    `${path}: tensor a.b holds NaN as its element 5, at [1, 2]; 1 of 6 are NaN or infinite.`,
  )
  file.close()
})

test('what is written is read back, in the same bytes each time', () => {
  const tensors = [
    ['a.b', { shape: [2, 3], data: Float32Array.of(1, -0, 3, 4, 5, 6) }],
    ['scalar', { shape: [], data: new Float32Array([7, 8, 9]).subarray(1, 2) }],
  ] as const
  writeTorchFile(path, tensors)
  const bytes = readFileSync(path)
  const file = openTorchFile(path)
  expect([...file.tensors.keys()]).toEqual(['a.b', 'scalar'])
  expect([...file.tensors.get('a.b')!.read()]).toEqual([1, -0, 3, 4, 5, 6])
  expect([...file.tensors.get('scalar')!.read()]).toEqual([8])
  file.close()
  writeTorchFile(path, tensors)
  expect(readFileSync(path)).toEqual(bytes)
})

/** A state dict of ours with some bytes of it replaced, all places of them. */
function forged(from: Buffer, to: Buffer): void {
  writeTorchFile(path, [['a', { shape: [3], data: Float32Array.of(1, 2, 3) }]])
  const bytes = readFileSync(path)
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at)
  writeFileSync(path, bytes)
}
function pipe(path: string): void {
  rmSync(path, { force: true })
  execFileSync('mkfifo', [path])
}
const int = (value: number) => Buffer.from([74, value & 255, (value >> 8) & 255, (value >> 16) & 255, value >> 24])

/** A pickle that puts a list of two of the last one into the next, so often. */
function doubled(times: number, ...end: number[]): Buffer {
  const [list, put, get, pair] = [0x5d, 0x71, 0x68, 0x86]
  const step = (i: number) => [get, i, get, i, pair, put, i + 1]
  return Buffer.from([0x80, 2, list, put, 0, ...Array.from({ length: times }, (_, i) => step(i)).flat(), ...end])
}

test.each([
  ['as a name', doubled(40, 0x68, 40, 0x93, 0x2e)],
  ['as the whole', doubled(40, 0x2e)],
  ['as a storage', doubled(40, 0x51, 0x2e)],
  ['as a call', doubled(40, 0x52, 0x2e)],
])('lists of lists that expand to 2⁴⁰ lists, %s: one error, at once', { timeout: 20_000 }, (_, pickle) => {
  writeFileSync(path, zipFile({ 'x/data.pkl': pickle }))
  const started = process.cpuUsage()
  expect(() => openTorchFile(path)).toThrow(/x\.bin: (has a damaged pickle|holds no dict of tensors)\. Save it anew/)
  expect(process.cpuUsage(started).user, 'microseconds').toBeLessThan(1e6)
})

describe('a hostile file is one clear error, and nothing in it is run', () => {
  test.each([
    ['a command', 'command.bin', 'asks for "posix.system", which no state dict needs. Do not trust it.'],
    [
      'files that would unpack to more',
      'compressed.bin',
      'has a compressed file in it, which torch.save never writes.',
    ],
    [
      'one number shown a billion times',
      'expanded.bin',
      'has a tensor that is a view of another: save it with .contiguous().',
    ],
    ['a transposed view', 'transposed.bin', 'has a tensor that is a view of another: save it with .contiguous().'],
  ])('%s', (_, name, expected) => {
    expect(() => openTorchFile(fixture(name))).toThrow(`${fixture(name)}: ${expected} ${REMEDY}`)
    expect(existsSync('/tmp/compacter-was-here')).toBe(false)
  })

  test.each([
    ['no zip file', () => writeFileSync(path, 'x'.repeat(100)), 'is not a zip file, or is truncated.'],
    [
      'a truncated one',
      () => {
        copyFileSync(fixture('state_dict.bin'), path)
        truncateSync(path, 2000)
      },
      'is not a zip file, or is truncated.',
    ],
    [
      'a shape beyond the storage',
      () => forged(Buffer.concat([Buffer.from('('), int(3)]), Buffer.concat([Buffer.from('('), int(9)])),
      'has no storage that holds its tensor a.',
    ],
    [
      'a size beyond all memory',
      () => forged(Buffer.concat([Buffer.from('('), int(3)]), Buffer.concat([Buffer.from('('), int(2 ** 31 - 1)])),
      'has no storage that holds its tensor a.',
    ],
    [
      'a negative size',
      () => forged(Buffer.concat([Buffer.from('('), int(3)]), Buffer.concat([Buffer.from('('), int(-3)])),
      'has a damaged pickle.',
    ],
    [
      'two files in the same place',
      () => {
        writeTorchFile(path, [
          ['a', { shape: [3], data: Float32Array.of(1, 2, 3) }],
          ['b', { shape: [3], data: Float32Array.of(4, 5, 6) }],
        ])
        const bytes = readFileSync(path)
        const places: number[] = []
        for (let at = bytes.indexOf('PK\x01\x02'); at >= 0; at = bytes.indexOf('PK\x01\x02', at + 1)) places.push(at)
        const [first, second] = places.filter((at) => bytes.toString('latin1', at + 46, at + 80).includes('/data/'))
        bytes.copy(bytes, second! + 42, first! + 42, first! + 46)
        writeFileSync(path, bytes)
      },
      'has files in it that overlap.',
    ],
    ['a pipe that nobody writes to', () => pipe(path), 'is a pipe, which can be read only once.'],
    [
      'another instruction',
      () => forged(Buffer.from([0x89]), Buffer.from('i')),
      'has instruction 105 in its pickle, which no state dict needs.',
    ],
    [
      'another name',
      () => forged(Buffer.from('torch._utils\n'), Buffer.from('builtins.ab\n')),
      'asks for "builtins.ab.',
    ],
  ])('%s', (_, make, expected) => {
    rmSync(path, { force: true })
    make()
    expect(() => openTorchFile(path)).toThrow(`${path}: ${expected}`)
  })
})
