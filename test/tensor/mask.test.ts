import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { droppedShare, keptMask } from '../../src/tensor/mask.js'
import { engines, useEngine } from '../support/engines.js'

const draw = (shape: number[], key: [number, number], rate = 0.1) => keptMask(shape, key, rate).data<'bool'>()
const kept = (mask: Uint8Array) => mask.reduce((sum, x) => sum + x, 0) / mask.length

describe.each(engines)('%s', (engine) => {
  beforeAll(() => useEngine(engine))

  test('draws the same mask for the same key, whatever ran before, in any shape and of an odd size too', async () => {
    const first = await draw([7, 5], [42, 3])
    tf.randomUniform([100])
    await draw([11], [1, 1])
    expect([...(await draw([7, 5], [42, 3]))]).toEqual([...first])
    expect([...(await draw([35], [42, 3]))]).toEqual([...first])
    expect([...(await draw([36], [42, 3]))].slice(0, 35)).toEqual([...first])
  })

  test.each([0.05, 0.1, 0.5, 0.9])('drops a share of %d, in every place equally', async (rate) => {
    const size = 200_000
    const mask = await draw([size], [-7, 2 ** 31 - 1], rate)
    expect(new Set(mask)).toEqual(new Set([0, 1]))
    const error = 5 * Math.sqrt((rate * (1 - rate)) / size)
    expect(Math.abs(1 - kept(mask) - rate)).toBeLessThan(error)
    const even = mask.filter((_, i) => i % 2 === 0)
    expect(Math.abs(1 - kept(even) - rate)).toBeLessThan(error * Math.SQRT2)
  })

  test.each([
    [
      [42, 3],
      [42, 4],
    ],
    [
      [42, 3],
      [43, 3],
    ],
    [
      [0, 1],
      [1, 0],
    ],
    [
      [0, 0],
      [0, -1],
    ],
  ] as [number, number][][])('draws uncorrelated masks for the keys %j and %j', async (a, b) => {
    const size = 100_000
    expect(Math.abs(correlation(await draw([size], a!, 0.5), await draw([size], b!, 0.5)))).toBeLessThan(
      5 / Math.sqrt(size),
    )
  })

  test.each([1, 2, 3, 64])('draws elements %d apart independently', async (distance) => {
    const mask = await draw([100_000 + distance], [42, 3], 0.5)
    const [x, y] = [mask.subarray(0, -distance), mask.subarray(distance)]
    expect(Math.abs(correlation(x, y))).toBeLessThan(5 / Math.sqrt(x.length))
  })

  test.each([1, 3, 6, 8, 13, 64])(
    'draws rows of %i elements from any of them on as those of the whole',
    async (each) => {
      const key: [number, number] = [-7, 2 ** 31 - 1]
      const whole = await draw([9, each], key, 0.5)
      for (const row of [0, 1, 4, 7]) {
        const from = { row: Int32Array.of(row), each }
        const rows = await keptMask([2, each], key, 0.5, from).data<'bool'>()
        expect([...rows]).toEqual([...whole.subarray(row * each, (row + 2) * each)])
      }
    },
  )

  test('leaves no tensor behind in a tidy', () => {
    const before = tf.memory().numTensors
    tf.tidy(() => void keptMask([5], [1, 2], 0.1))
    tf.tidy(() => void keptMask([1, 5], [1, 2], 0.1, { row: Int32Array.of(3), each: 5 }))
    expect(tf.memory().numTensors).toBe(before)
  })
})

test('the share that is dropped is the nearest multiple of 2⁻¹⁶, and neither 0 nor 1', () => {
  expect(droppedShare(0.1)).toBe(6554 / 65536)
  expect(droppedShare(0.25)).toBe(0.25)
  expect(droppedShare(1e-9)).toBe(1 / 65536)
  expect(droppedShare(0.9999999)).toBe(65535 / 65536)
})

/** Of two fair masks. */
const correlation = (x: Uint8Array, y: Uint8Array) =>
  x.reduce((sum, value, i) => sum + 4 * (value - 0.5) * (y[i]! - 0.5), 0) / x.length
