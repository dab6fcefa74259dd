import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { named, unflatten } from '../../src/engine/model/layout.js'
import { disposeModel, passOf } from '../../src/engine/model/model.js'
import { lossAndGradient } from '../../src/engine/model/step.js'
import { noDropout } from '../../src/tensor/dropout.js'
import { batchLogits } from './batch_logits.js'
import { expectClose } from './close.js'
import { loadCase, type OracleCase, openCase } from './oracle_case.js'

/**
 * On the engine that is set: logits, loss and the gradient of every trained tensor are PyTorch's, to 1e-4 of a tensor's
 * largest.
 */
export async function expectLikePyTorch(backbone: string, name: string): Promise<void> {
  const expected = openCase(backbone, name)
  const { model, start } = loadCase(backbone, expected)
  const vector = tf.tensor1d(start)
  const pass = passOf(model, unflatten(model.layout, vector), noDropout)
  const logits = tf.tidy(() => batchLogits(pass, expected.batch))
  expectClose(await logits.data(), expected.read('logits'), { relative: 1e-4, name: 'logits' })
  const { loss, gradient } = tf.tidy(() => lossAndGradient(model, vector, expected.batch, noDropout))
  expectClose(await loss.data(), expected.read('loss'), { relative: 1e-4, name: 'loss' })
  for (const [tensor, { data }] of named(model.layout, (await gradient.data()) as Float32Array)) {
    if (expected.illConditioned.includes(tensor)) continue
    expectClose(data as Float32Array, expected.read(`gradient/${tensor}`), { relative: 1e-4, name: tensor })
  }
  disposeModel(model)
  tf.dispose([vector, logits, loss, gradient])
}

/** Rows of tokens without </s> against the fixture's, which have </s> (1) and padding behind. */
export function expectGreedy(tokens: number[][], { readInts, batch }: OracleCase, padId = 0): void {
  const greedy = readInts('greedy')
  const width = greedy.length / batch.size
  const padding = new Array(width).fill(padId)
  expect(tokens.map((row) => [...row, 1, ...padding].slice(0, width))).toEqual(
    Array.from({ length: batch.size }, (_, row) => [...greedy.subarray(row * width, (row + 1) * width)]),
  )
}
