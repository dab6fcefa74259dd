import '@tensorflow/tfjs'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { lowRankPhm, phm } from '../../src/method/compacter/phm.js'
import { regeneratedNormals } from '../../src/method/intrinsic/regenerated.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { kronecker } from '../support/kronecker.js'

const normals = (shape: number[], stream: number): tf.Tensor =>
  tf.tensor(regeneratedNormals(tf.util.sizeFromShape(shape), [stream, 1]), shape)

// rows, n, p, q, rank: down, up, square, one part only, one column only; no two alike
const shapes = [
  [5, 3, 7, 2, 2],
  [4, 3, 2, 7, 5],
  [6, 5, 4, 4, 3],
  [7, 1, 5, 3, 2],
  [3, 4, 6, 1, 2],
  [3, 4, 1, 6, 3],
] as [number, number, number, number, number][]

type Product = (x: tf.Tensor, A: tf.Tensor, ...factors: tf.Tensor[]) => tf.Tensor

/** Values, and the gradient for every input of a random weighting of the output, are those of x·W. */
async function expectProductWithW(
  product: Product,
  W: (A: tf.Tensor, ...factors: tf.Tensor[]) => tf.Tensor2D,
  inputs: tf.Tensor[],
) {
  const weights = normals(product(...(inputs as [tf.Tensor, tf.Tensor])).shape, 9)
  const through = (f: Product) =>
    tf.valueAndGrads((...inputs) => tf.sum(tf.mul(f(...(inputs as [tf.Tensor, tf.Tensor])), weights)))(inputs)
  const byW: Product = (x, A, ...factors) => tf.matMul(x as tf.Tensor2D, W(A, ...factors))
  expectClose(
    await product(...(inputs as [tf.Tensor, tf.Tensor])).data(),
    await byW(...(inputs as [tf.Tensor, tf.Tensor])).data(),
    { relative: 1e-5, name: 'product' },
  )
  const [actual, expected] = [through(product), through(byW)]
  for (const [i, name] of ['x', 'A', 'first factor', 'second factor'].slice(0, inputs.length).entries())
    expectClose(await actual.grads[i]!.data(), await expected.grads[i]!.data(), { relative: 1e-5, name })
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test('the Kronecker product of the test is that of its definition', async () => {
    const product = kronecker(tf.tensor3d([1, 2, 3, 4], [1, 2, 2]), tf.tensor3d([0, 5, 6, 7, 8, 9], [1, 2, 3]))
    // numpy.kron([[1, 2], [3, 4]], [[0, 5, 6], [7, 8, 9]])
    expect(await product.array()).toEqual([
      [0, 5, 6, 0, 10, 12],
      [7, 8, 9, 14, 16, 18],
      [0, 15, 18, 0, 20, 24],
      [21, 24, 27, 28, 32, 36],
    ])
  })

  test.each(shapes)('phm is x·Σ A ⊗ B: %i rows, n %i, p %i, q %i', async (rows, n, p, q) => {
    const inputs = [normals([rows, n * p], 1), normals([n, n, n], 2), normals([n, p, q], 3)]
    await expectProductWithW(phm as Product, (A, B) => kronecker(A as tf.Tensor3D, B as tf.Tensor3D), inputs)
  })

  test.each(shapes)('lowRankPhm is x·Σ A ⊗ (s·t): %i rows, n %i, p %i, q %i, rank %i', async (rows, n, p, q, r) => {
    const inputs = [normals([rows, n * p], 4), normals([n, n, n], 5), normals([n, p, r], 6), normals([n, r, q], 7)]
    const W = (A: tf.Tensor, s: tf.Tensor, t: tf.Tensor) => kronecker(A as tf.Tensor3D, tf.matMul(s, t) as tf.Tensor3D)
    await expectProductWithW(lowRankPhm as Product, W as never, inputs)
  })
})
