// Gradients that are written by hand, against central differences of the definitions in float64.
import '@tensorflow/tfjs'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { atOnce } from '../../src/engine/model/checkpoint_activations.js'
import { disposeModel } from '../../src/engine/model/model.js'
import { lossAndGradient } from '../../src/engine/model/step.js'
import { bitsFor, fastfood } from '../../src/method/intrinsic/fastfood.js'
import { moved } from '../../src/method/intrinsic/projection.js'
import { regeneratedNormals, regeneratedParts } from '../../src/method/intrinsic/regenerated.js'
import { attended } from '../../src/tensor/attended.js'
import { crossEntropy } from '../../src/tensor/cross_entropy.js'
import { dropoutAt } from '../../src/tensor/dropout.js'
import { lookUp } from '../../src/tensor/embedding.js'
import { relu } from '../../src/tensor/nonlinearity.js'
import { rmsNorm } from '../../src/tensor/norm.js'
import { expectClose } from '../support/close.js'
import {
  attendedByDefinition,
  crossEntropyByDefinition,
  differences,
  fastfoodByDefinition,
  rmsNormByDefinition,
} from '../support/definitions.js'
import { engines, useEngine } from '../support/engines.js'
import { loadCase, openCase } from '../support/oracle_case.js'

const normals = (length: number, stream: number) => regeneratedNormals(length, [stream, 9])
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0)

/** The sum of y weighted by w, and its gradients for the inputs of f. */
function weighted(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], w: Float32Array) {
  const gradients = tf.valueAndGrads((...inputs) => tf.sum(tf.mul(tf.reshape(f(...inputs), [-1]), tf.tensor1d(w))))
  return gradients(inputs)
}

async function expectGradients(
  { value, grads }: { value: tf.Tensor; grads: tf.Tensor[] },
  expected: { value: number; grads: [string, ArrayLike<number>][] },
) {
  expectClose(await value.data(), [expected.value], { relative: 1e-5, name: 'value', floor: 1 })
  for (const [index, [name, gradient]] of expected.grads.entries())
    expectClose(await grads[index]!.data(), gradient, { relative: 1e-5, name })
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each([1e-6, 0.3])('rmsNorm, ε = %d', async (epsilon) => {
    const [rows, d] = [3, 5]
    const [x, weight, w] = [normals(rows * d, 1), normals(d, 2), normals(rows * d, 3)]
    const f = (x: ArrayLike<number>, weight: ArrayLike<number>) => dot(rmsNormByDefinition(x, weight, epsilon), w)
    const op = (x: tf.Tensor, weight: tf.Tensor) => rmsNorm(x as tf.Tensor2D, weight as tf.Tensor1D, epsilon)
    await expectGradients(weighted(op, [tf.tensor2d(x, [rows, d]), tf.tensor1d(weight)], w), {
      value: f(x, weight),
      grads: [
        ['x', differences((x) => f(x, weight), x)],
        ['weight', differences((weight) => f(x, weight), weight)],
      ],
    })
  })

  test('relu', async () => {
    const x = normals(12, 1)
    const w = normals(12, 2)
    const f = (x: ArrayLike<number>) =>
      dot(
        Array.from(x).map((value) => Math.max(value, 0)),
        w,
      )
    await expectGradients(
      weighted((x) => relu(x!), [tf.tensor1d(x)], w),
      {
        value: f(x),
        grads: [['x', differences(f, x)]],
      },
    )
  })

  test('relu and dropout as one', async () => {
    const mask = [1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1]
    const [x, w, scale] = [normals(12, 1), normals(12, 2), 1.25]
    const f = (x: ArrayLike<number>) =>
      dot(
        Array.from(x).map((value, i) => Math.max(value, 0) * mask[i]! * scale),
        w,
      )
    await expectGradients(
      weighted((x) => relu(x!, { mask: tf.tensor1d(mask, 'bool'), scale }), [tf.tensor1d(x)], w),
      { value: f(x), grads: [['x', differences(f, x)]] },
    )
  })

  test('attended, whose softmax has a mask', async () => {
    const [heads, queries, keys, d, scale] = [2, 3, 4, 5, 1.25]
    const mask = Array.from({ length: heads * queries * keys }, (_, i) => (i % 5 === 2 ? 0 : 1))
    const [scores, values] = [normals(mask.length, 1), normals(heads * keys * d, 2)]
    const w = normals(heads * queries * d, 3)
    const f = (scores: ArrayLike<number>, values: ArrayLike<number>) =>
      dot(
        attendedByDefinition({ heads, queries, keys, d }, scores, values, (i) => mask[i]! * scale),
        w,
      )
    const op = (scores: tf.Tensor, values: tf.Tensor) => {
      const kept = { mask: tf.tensor4d(mask, [1, heads, queries, keys], 'bool'), scale }
      return attended(scores as tf.Tensor4D, values as tf.Tensor4D, kept)
    }
    const inputs = [tf.tensor4d(scores, [1, heads, queries, keys]), tf.tensor4d(values, [1, heads, keys, d])]
    await expectGradients(weighted(op as (...inputs: tf.Tensor[]) => tf.Tensor, inputs, w), {
      value: f(scores, values),
      grads: [
        ['scores', differences((scores) => f(scores, values), scores)],
        ['values', differences((values) => f(scores, values), values)],
      ],
    })
  })

  test.each(['compacter-n3-rank2', 'full'])('%s, with layers of which only the inputs are kept', async (name) => {
    const oracle = openCase('t5-tiny', name)
    const { model, start } = loadCase('t5-tiny', oracle)
    const vector = tf.tensor1d(start)
    const held = tf.memory().numTensors
    const [kept, again] = [undefined, atOnce].map((after) =>
      tf.tidy(() => lossAndGradient(model, vector, oracle.batch, dropoutAt(0.1, 5, 3), { after })),
    )
    expect(tf.memory().numTensors).toBe(held + 4)
    expect(await again!.loss.data()).toEqual(await kept!.loss.data())
    expectClose(await again!.gradient.data(), await kept!.gradient.data(), { relative: 1e-6, name: 'gradient' })
    tf.dispose([kept!, again!, vector])
    disposeModel(model)
  })

  test.each<[string, number[], number]>([
    ['some rows are padding', [1, 0, 1, 1], 0],
    ['none is', [1, 1, 1, 1], 0],
    ['labels are smoothed', [1, 0, 1, 1], 0.2],
  ])('crossEntropy where %s', async (_, mask, smoothing) => {
    const labels = [3, 0, 6, 1]
    const vocabulary = 7
    const logits = normals(labels.length * vocabulary, 4).map((score) => 3 * score)
    const op = (logits: tf.Tensor) =>
      crossEntropy(logits as tf.Tensor2D, tf.tensor1d(labels, 'int32'), tf.tensor1d(mask, 'int32'), smoothing)
    const w = Float32Array.of(1.7)
    const f = (logits: ArrayLike<number>) => 1.7 * crossEntropyByDefinition(logits, labels, mask, smoothing)
    await expectGradients(weighted(op, [tf.tensor2d(logits, [labels.length, vocabulary])], w), {
      value: f(logits),
      grads: [['logits', differences(f, logits)]],
    })
  })

  test('lookUp, of rows that are looked up once, thrice and never', async () => {
    const [rows, d] = [6, 3]
    const ids = [5, 2, 0, 2, 4, 2]
    const [table, w] = [normals(rows * d, 5), normals(ids.length * d, 6)]
    const f = (table: ArrayLike<number>) =>
      dot(
        ids.flatMap((id) => Array.from(table).slice(id * d, (id + 1) * d)),
        w,
      )
    const op = (table: tf.Tensor) => lookUp(table as tf.Tensor2D, tf.tensor1d(ids, 'int32'))
    await expectGradients(weighted(op, [tf.tensor2d(table, [rows, d])], w), {
      value: f(table),
      grads: [['table', differences(f, table)]],
    })
  })

  test.each([
    ['longer than v', [7, 5], 11],
    ['shorter than v', [3, 2], 11],
    ['a power of two', [4, 8], 32],
  ])('a tensor that moves by λ·P(v), %s', async (_, shape, dimension) => {
    const size = tf.util.sizeFromShape(shape)
    const parts = regeneratedParts(5, 'wi', bitsFor(size))
    const [frozen, v, lambda, w] = [normals(size, 7), normals(dimension, 8), Float32Array.of(1.3), normals(size, 9)]
    const arrays = { signs: parts.signs(dimension), permutation: parts.permutation(), gaussian: parts.gaussian() }
    const f = (v: ArrayLike<number>, lambda: ArrayLike<number>) =>
      dot(
        fastfoodByDefinition(v, size, arrays).map((change, i) => frozen[i]! + lambda[0]! * change),
        w,
      )
    const op = (v: tf.Tensor, lambda: tf.Tensor) =>
      moved(tf.tensor(frozen, shape), tf.mul(v, lambda), fastfood(parts, size, dimension))
    const made = weighted(op, [tf.tensor1d(v), tf.tensor1d(lambda)], w)
    await expectGradients(made, {
      value: f(v, lambda),
      grads: [
        ['v', differences((v) => f(v, lambda), v)],
        ['lambda', differences((lambda) => f(v, lambda), lambda)],
      ],
    })
    expect(made.grads[0]!.shape).toEqual([dimension])
  })
})
