// expected: test/oracle, PyTorch and transformers
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { generate } from '../../../src/engine/model/generate.js'
import { named, unflatten } from '../../../src/engine/model/layout.js'
import { disposeModel, evaluationPass, passOf } from '../../../src/engine/model/model.js'
import { trainingStep } from '../../../src/engine/model/step.js'
import { learningRate } from '../../../src/engine/optimizer/learning_rate.js'
import type { OptimizerState } from '../../../src/engine/optimizer/optimizer.js'
import { noDropout } from '../../../src/tensor/dropout.js'
import { batchLogits } from '../../support/batch_logits.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { expectGreedy, expectLikePyTorch } from '../../support/like_pytorch.js'
import { loadBare, loadCase, openCase } from '../../support/oracle_case.js'

const backbones = ['t5-tiny', 't5-tiny-v1_1']

const cases = backbones.flatMap((backbone) =>
  readdirSync(join(packageRoot, 'test/fixtures', backbone))
    .filter((file) => file.endsWith('.safetensors') && file !== 'model.safetensors' && file !== 'none.safetensors')
    .map((file): [string, string] => [backbone, file.replace('.safetensors', '')]),
)

test('there are fixtures of both versions of T5', () => {
  expect(cases.map(([backbone]) => backbone)).toEqual(expect.arrayContaining(backbones))
  expect(existsSync(join(packageRoot, 'test/fixtures/t5-small/compacter.safetensors'))).toBe(true)
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(backbones)(
    'the bare %s gives the logits, the loss and the greedy tokens that PyTorch gives',
    async (backbone) => {
      const expected = openCase(backbone, 'none')
      const { model, start } = loadBare(backbone)
      const vector = tf.tensor1d(start)
      const pass = passOf(model, unflatten(model.layout, vector), noDropout)
      const logits = tf.tidy(() => batchLogits(pass, expected.batch))
      expectClose(await logits.data(), expected.read('logits'), { relative: 1e-4, name: 'logits' })
      expectGreedy(await generate(pass, expected.batch, 6), expected)
      disposeModel(model)
      tf.dispose([vector, logits])
    },
  )

  test.each(cases)('%s with %s gives logits, loss and every gradient that PyTorch gives', async (backbone, name) => {
    await expectLikePyTorch(backbone, name)
  })

  test.each(cases)(
    '%s with %s decodes the greedy tokens that PyTorch decodes, and frees what it held',
    async (backbone, name) => {
      const expected = openCase(backbone, name)
      const { model, start } = loadCase(backbone, expected)
      const vector = tf.tensor1d(start)
      const { numTensors } = tf.memory()
      const { pass, dispose } = evaluationPass(model, vector)
      expectGreedy(await generate(pass, expected.batch, 6), expected)
      dispose()
      expect(tf.memory().numTensors).toBe(numTensors)
      disposeModel(model)
      vector.dispose()
    },
  )

  test.each(cases)('%s with %s is where PyTorch is after ten steps of Adam', async (backbone, name) => {
    const expected = openCase(backbone, name)
    const { model, start } = loadCase(backbone, expected)
    let state: OptimizerState = {
      vector: tf.tensor1d(start),
      first: tf.zeros([start.length]),
      second: tf.zeros([start.length]),
      step: 0,
    }
    const losses: number[] = []
    const norms: number[] = []
    for (let step = 0; step < 10; step++) {
      const rate = learningRate(step, { peak: expected.learningRate, warmup: 4, steps: 10 })
      const options = { learningRate: rate, gradientClipNorm: 1, dropout: noDropout }
      const taken = await trainingStep(model, state, expected.batch, options)
      state = taken.state
      losses.push(taken.result.loss)
      norms.push(taken.result.gradientNorm)
    }
    expectClose(losses, expected.read('losses10'), { relative: 1e-4, name: 'losses' })
    expectClose(norms, expected.read('norms10'), { relative: 1e-3, name: 'gradient norms' })
    for (const [tensor, { data }] of named(model.layout, (await state.vector.data()) as Float32Array)) {
      if (expected.illConditioned.includes(tensor)) continue
      expectClose(data as Float32Array, expected.read(`after10/${tensor}`), { relative: 1e-3, name: tensor })
    }
    disposeModel(model)
    tf.dispose([state.vector, state.first, state.second])
  })
})
