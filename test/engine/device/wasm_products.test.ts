import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { normalArray } from '../../../src/base/numbers/random.js'
import { expectClose } from '../../support/close.js'
import { useEngine } from '../../support/engines.js'

const matrix = (shape: number[], seed: number) => tf.tensor(normalArray(tf.util.sizeFromShape(shape), seed, 1), shape)

/** The product by its definition, in float64. */
function product(a: number[][], b: number[][]): number[] {
  return a.flatMap((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)))
}

const transposed = (x: number[][]): number[][] => x[0]!.map((_, j) => x.map((row) => row[j]!))

describe('products on wasm', () => {
  beforeAll(() => useEngine('wasm'))

  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('are right with sides transposed: %s, %s, and leave no tensor behind', async (transposeA, transposeB) => {
    const a = matrix(transposeA ? [7, 5] : [5, 7], 1)
    const b = matrix(transposeB ? [3, 7] : [7, 3], 2)
    const before = tf.memory()
    const c = tf.matMul(a, b, transposeA, transposeB)
    const [left, right] = [(await a.array()) as number[][], (await b.array()) as number[][]]
    const expected = product(transposeA ? transposed(left) : left, transposeB ? transposed(right) : right)
    expectClose(await c.data(), expected, { relative: 1e-6, name: 'product' })
    c.dispose()
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numDataBuffers: before.numDataBuffers })
  })

  test('are right where data is a right side in two shapes, before and after and with the first again', async () => {
    const b = matrix([6, 7], 3)
    const before = tf.memory()
    for (const shape of [
      [6, 7],
      [3, 14],
      [6, 7],
      [21, 2],
    ] as [number, number][]) {
      const a = matrix([5, shape[0]], 4)
      const reshaped = tf.reshape(b, shape) as tf.Tensor2D
      const c = tf.matMul(a as tf.Tensor2D, reshaped)
      const expected = product((await a.array()) as number[][], (await reshaped.array()) as number[][])
      expectClose(await c.data(), expected, { relative: 1e-6, name: `product with ${shape}` })
      tf.dispose([a, reshaped, c])
    }
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numDataBuffers: before.numDataBuffers })
  })
})
