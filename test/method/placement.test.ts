import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { normalArray } from '../../src/base/numbers/random.js'
import { unflatten } from '../../src/engine/model/layout.js'
import { disposeModel, passOf } from '../../src/engine/model/model.js'
import { batchLoss, lossAndGradient } from '../../src/engine/model/step.js'
import { methodOptions } from '../../src/method/options.js'
import { noDropout } from '../../src/tensor/dropout.js'
import { engines, useEngine } from '../support/engines.js'
import { loadModelOf, openCase } from '../support/oracle_case.js'

beforeAll(() => useEngine(engines[0]!))

/** Matrix products of the backward pass alone. */
async function backwardProducts(placement: object, trainLayerNorms: boolean): Promise<number> {
  const { batch } = openCase('t5-tiny', 'adapter')
  const method = methodOptions.parse({
    kind: 'adapter',
    reduction_factor: 3,
    placement,
    train_layer_norms: trainLayerNorms,
  })
  const model = loadModelOf('t5-tiny', method)
  const vector = tf.tensor1d(normalArray(model.layout.size, 1, 0.3))
  const products = async (work: () => tf.TensorContainer) => {
    const { kernels } = await tf.profile(() => tf.tidy(work))
    return kernels.filter(({ name }) => name === 'BatchMatMul').length
  }
  const forward = await products(() => batchLoss(passOf(model, unflatten(model.layout, vector), noDropout), batch))
  const both = await products(() => lossAndGradient(model, vector, batch, noDropout))
  vector.dispose()
  disposeModel(model)
  return both - forward
}

const top = { sublayers: ['feed_forward'], encoder_layers: [], decoder_layers: [1] }

test('nothing is back-propagated below the lowest trained tensor', async () => {
  // dx of the head and of the adapter's upper matrix, dW of both its matrices
  expect(await backwardProducts(top, false)).toBe(4)
  expect(await backwardProducts(top, true)).toBeGreaterThan(60)
})
