// expected: test/oracle/t5_small.py, PyTorch and transformers on t5-small's true dimensions

import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { backbonePreset } from '../../../src/backbone/files/preset.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { named, unflatten } from '../../../src/engine/model/layout.js'
import { disposeModel, loadModel, passOf } from '../../../src/engine/model/model.js'
import { lossAndGradient } from '../../../src/engine/model/step.js'
import { methodOptions } from '../../../src/method/options.js'
import { noDropout } from '../../../src/tensor/dropout.js'
import { batchLogits } from '../../support/batch_logits.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { generatedWeights } from '../../support/generated_weights.js'
import { zeroPadded } from '../../support/zero_padded.js'

const fixture = openSafetensors(join(packageRoot, 'test/fixtures/t5-small/compacter.safetensors'))
const facts = JSON.parse(fixture.metadata.case!)
const { config } = backbonePreset('t5-small')!
const { weight, start } = generatedWeights(config, facts.centre_and_scale)

const [size] = fixture.entries.get('input_ids')!.shape as [number, number]
const ids = { source: fixture.readInts('input_ids'), target: fixture.readInts('labels') }
const batch = zeroPadded(ids, size)

test('the generator gives the weights that Python gave', () => {
  for (const [name, expected] of Object.entries<number[]>(facts.first_second_last)) {
    const values = weight(name)
    expect([values[0], values[1], values.at(-1)], name).toEqual(expected)
  }
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test("Compacter on t5-small's dimensions gives the logits, the loss and every gradient that PyTorch gives", async () => {
    const model = loadModel(config, methodOptions.parse(facts.method), weight, 0)
    const vector = tf.tensor1d(start(model.layout))
    const pass = passOf(model, unflatten(model.layout, vector), noDropout)
    const [first, end] = facts.logits_columns
    const logits = tf.tidy(() => tf.slice(batchLogits(pass, batch), [0, first], [-1, end - first]))
    expectClose(await logits.data(), fixture.read('logits'), { relative: 1e-4, name: 'logits' })
    const { loss, gradient } = tf.tidy(() => lossAndGradient(model, vector, batch, noDropout))
    expectClose(await loss.data(), fixture.read('loss'), { relative: 1e-4, name: 'loss' })
    for (const [name, { data }] of named(model.layout, (await gradient.data()) as Float32Array))
      expectClose(data as Float32Array, fixture.read(`gradient/${name}`), { relative: 1e-4, name })
    disposeModel(model)
    tf.dispose([vector, logits, loss, gradient])
  })
})
