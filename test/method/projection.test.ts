import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { denseProjection } from '../../src/method/intrinsic/dense_projection.js'
import { bitsFor, fastfood } from '../../src/method/intrinsic/fastfood.js'
import { hadamard } from '../../src/method/intrinsic/hadamard.js'
import type { Projection } from '../../src/method/intrinsic/projection.js'
import { regeneratedNormals, regeneratedParts } from '../../src/method/intrinsic/regenerated.js'
import { expectClose } from '../support/close.js'
import { hadamardByDefinition } from '../support/definitions.js'
import { engines, useEngine } from '../support/engines.js'

const normals = (length: number, stream: number) => regeneratedNormals(length, [stream, 0])
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

const fastfoodOf = (size: number, dimension: number) =>
  fastfood(regeneratedParts(11, 'shared.weight', bitsFor(size)), size, dimension)
const denseOf = (size: number, dimension: number) => denseProjection(11, 'shared.weight', size, dimension)
const kinds: [string, (size: number, dimension: number) => Projection][] = [
  ['fastfood', fastfoodOf],
  ['dense', denseOf],
]
// v shorter than the transform, longer than the tensor, longer than the transform; sizes that fill a power of two or
// just pass it
const shapes = [
  [997, 20],
  [997, 130],
  [24, 200],
  [40, 50],
  [1, 3],
  [1024, 96],
  [1025, 96],
]

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each([0, 1, 3, 4, 5, 9, 12])('the transform of 2^%i is that of its definition', async (bits) => {
    const length = 2 ** bits
    const x = normals(length, 1)
    const expected = hadamardByDefinition(x, bits)
    expectClose(await hadamard(tf.tensor1d(x), bits).data(), expected, { relative: 1e-5, name: 'whole' })
    const given = Math.ceil(0.6 * length)
    const short = await hadamard(tf.tensor1d(x.subarray(0, given)), bits).data()
    expectClose(short, hadamardByDefinition(x.subarray(0, given), bits), { relative: 1e-5, name: 'zeros left out' })
    const part = await hadamard(tf.tensor1d(x), bits, given).data<'float32'>()
    expectClose(part.subarray(0, given), expected.subarray(0, given), { relative: 1e-5, name: 'first part' })
  })

  describe.each(kinds)('%s', (_, make) => {
    test.each(shapes)(
      'the gradient of size %i, dimension %i is the transpose: ⟨P v, y⟩ = ⟨v, Pᵀ y⟩',
      async (size, dimension) => {
        const projection = make(size!, dimension!)
        const v = normals(dimension!, 2)
        const y = normals(size!, 3)
        const moved = await projection.apply(tf.tensor1d(v)).data<'float32'>()
        const back = await projection.transposed(tf.tensor1d(y)).data<'float32'>()
        expect([moved.length, back.length]).toEqual([size, dimension])
        expectClose([dot(moved, y)], [dot(v, back)], { relative: 1e-4, name: 'product', floor: 0.1 })
      },
    )

    test('columns are nearly orthonormal: no two are more alike than chance makes them', async () => {
      const [size, dimension] = [4000, 60]
      const projection = make(size, dimension)
      const columns: Float32Array[] = []
      for (let k = 0; k < dimension; k++) {
        const unit = tf.oneHot(tf.scalar(k, 'int32'), dimension).as1D().toFloat()
        columns.push(await projection.apply(unit).data<'float32'>())
      }
      // five standard deviations of a product of independent columns, √(1/4000)
      for (const [i, a] of columns.entries()) {
        expect(Math.abs(dot(a, a) - 1), `column ${i}`).toBeLessThan(0.12)
        for (let j = 0; j < i; j++) expect(Math.abs(dot(a, columns[j]!)), `columns ${j}, ${i}`).toBeLessThan(0.08)
      }
    })

    test('leaves no tensor behind but its result', () => {
      const { numTensors } = tf.memory()
      const projection = make(997, 130)
      tf.tidy(() => void projection.transposed(projection.apply(tf.zeros([130]) as tf.Tensor1D)))
      expect(tf.memory().numTensors).toBe(numTensors)
    })
  })
})
