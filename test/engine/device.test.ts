import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { startDevice, statelessUniform } from '../../src/engine/device.js'
import { engines, useEngine } from '../engines.js'

const draw = (size: number, key: [number, number]) => statelessUniform([size], key).data<'float32'>()

describe.each(engines)('%s', (engine) => {
  beforeAll(() => useEngine(engine))

  test('computes a matrix product', async () => {
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2]))
    expect([...(await product.data())]).toEqual([58, 64, 139, 154])
  })

  test('draws the same numbers for the same key, whatever ran before', async () => {
    const first = await statelessUniform([7, 5], [42, 3]).data()
    tf.randomUniform([100])
    await statelessUniform([11], [1, 1]).data()
    const second = await statelessUniform([7, 5], [42, 3]).data()
    expect([...second]).toEqual([...first])
  })

  test('draws uniform numbers: mean 1/2, variance 1/12, none outside [0, 1)', async () => {
    const size = 200_000
    const numbers = await draw(size, [-7, 2 ** 31 - 1])
    const mean = numbers.reduce((sum, x) => sum + x, 0) / size
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size
    // Five standard errors: √(1/12/size) and √(1/180/size).
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(0.0033)
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.00084)
    expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true)
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
  ] as [number, number][][])('draws uncorrelated numbers for the keys %j and %j', async (a, b) => {
    const size = 100_000
    const x = await draw(size, a!)
    const y = await draw(size, b!)
    const covariance = x.reduce((sum, value, i) => sum + (value - 0.5) * (y[i]! - 0.5), 0) / size
    expect(Math.abs(covariance * 12)).toBeLessThan(5 / Math.sqrt(size))
  })

  test('leaves no tensor behind in a tidy', () => {
    const before = tf.memory().numTensors
    tf.tidy(() => void statelessUniform([4], [1, 2]))
    expect(tf.memory().numTensors).toBe(before)
  })
})

test('an unknown COMPACTER_ENGINE is refused with the names there are', async () => {
  process.env.COMPACTER_ENGINE = 'cuda'
  try {
    await expect(startDevice()).rejects.toThrow(
      "COMPACTER_ENGINE is 'cuda'; there is no such engine. Set it to auto, tensorflow, webgpu or wasm.",
    )
  } finally {
    delete process.env.COMPACTER_ENGINE
  }
})
