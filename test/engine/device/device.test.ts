import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { startDevice } from '../../../src/engine/device/device.js'
import { engines, useEngine } from '../../support/engines.js'

describe.each(engines)('%s', (engine) => {
  beforeAll(() => useEngine(engine))

  test('computes a matrix product', async () => {
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2]))
    expect([...(await product.data())]).toEqual([58, 64, 139, 154])
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
