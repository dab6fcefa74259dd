import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bf16ToFloat32, f16ToFloat32 } from '../../../src/base/numbers/half.js'
import { packageRoot } from '../../../src/base/root.js'

// expected: test/oracle/tensor_files.py, PyTorch and the Python safetensors library
const FIXTURES = join(packageRoot, 'test/fixtures')
const digests = JSON.parse(readFileSync(join(FIXTURES, 'safetensors.json'), 'utf8')) as {
  halves: { f16: string; bf16: string }
}

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
