// expected: test/oracle/encoders.py, PyTorch and transformers
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { atOnce } from '../../src/engine/model/checkpoint_activations.js'
import { flatten, named } from '../../src/engine/model/layout.js'
import { stepBy } from '../../src/engine/model/step.js'
import { learningRate } from '../../src/engine/optimizer/learning_rate.js'
import type { OptimizerState } from '../../src/engine/optimizer/optimizer.js'
import tf from '../../src/tensor/tf.cjs'
import { expectClose } from '../support/close.js'
import { encoderGradient, openEncoderCase } from '../support/encoder_case.js'
import { expectEncoderLikePyTorch } from '../support/encoder_like_pytorch.js'
import { engines, useEngine } from '../support/engines.js'

const MODELS = ['bert', 'roberta', 'xlm-roberta', 'electra', 'distilbert', 'deberta-v2', 'modernbert']
const cases = [...MODELS, 'deberta-v2-own'].flatMap((model) =>
  readdirSync(join(packageRoot, 'test/fixtures', `${model}-tiny`))
    .filter((file) => file.endsWith('.safetensors') && file !== 'model.safetensors')
    .map((file): [string, string] => [model, file.replace('.safetensors', '')]),
)

test.each(MODELS)('there are fixtures of %s with every head and method', (model) => {
  for (const name of [
    'sequence',
    'tokens',
    'choice',
    'full',
    'bitfit',
    'compacter',
    'adapter',
    'lora',
    'prefix-tuning',
    'tokens-compacter',
    'tokens-lora',
  ])
    expect(existsSync(join(packageRoot, `test/fixtures/${model}-tiny/${name}.safetensors`)), name).toBe(true)
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(cases)('%s, %s: logits, loss and every gradient are those of PyTorch', async (model, name) => {
    await expectEncoderLikePyTorch(model, name, model === 'bert' ? [undefined, atOnce] : [undefined])
  })

  test.each(cases)('%s, %s: is where PyTorch is after ten steps of Adam', async (model, name) => {
    const one = openEncoderCase(model, name)
    let state: OptimizerState = {
      vector: tf.tensor1d(one.start),
      first: tf.zeros([one.start.length]),
      second: tf.zeros([one.start.length]),
      step: 0,
    }
    const losses: number[] = []
    for (let step = 0; step < 10; step++) {
      const make = () => {
        const { loss, grads } = encoderGradient(one, state.vector)
        return { loss, gradient: flatten(one.layout, grads) }
      }
      const rate = learningRate(step, { peak: one.learningRate, warmup: 4, steps: 10 })
      const taken = await stepBy(one.layout, state, make, { learningRate: rate, gradientClipNorm: 1 })
      state = taken.state
      losses.push(taken.result.loss)
    }
    expectClose(losses, one.read('losses10'), { relative: 1e-4, name: 'losses' })
    for (const [tensor, { data }] of named(one.layout, (await state.vector.data()) as Float32Array)) {
      if (one.illConditioned.includes(tensor)) continue
      expectClose(data as Float32Array, one.read(`after10/${tensor}`), { relative: 1e-3, name: tensor })
    }
    one.dispose()
    tf.dispose([state.vector, state.first, state.second])
  })
})
