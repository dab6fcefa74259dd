// expected: test/oracle/bert_base.py, PyTorch and transformers on bert-base's true dimensions

import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { backbonePreset } from '../../../src/backbone/files/preset.js'
import { withHead } from '../../../src/backbone/registry.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { named, unflatten } from '../../../src/engine/model/layout.js'
import { disposeModel, loadModel, passOf } from '../../../src/engine/model/model.js'
import { lossAndGradient, tensorsOf } from '../../../src/engine/model/step.js'
import { methodOptions } from '../../../src/method/options.js'
import { logitsOf } from '../../../src/objective/encoded.js'
import { labels, labelTarget } from '../../../src/objective/labels.js'
import { type Batch, inMemory, padBatch } from '../../../src/task/tokens/batches.js'
import { noDropout } from '../../../src/tensor/dropout.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { generatedWeights } from '../../support/generated_weights.js'

const fixture = openSafetensors(join(packageRoot, 'test/fixtures/bert-base/compacter.safetensors'))
const facts = JSON.parse(fixture.metadata.case!)
const head = { kind: 'sequence', labels: facts.labels as number } as const
const config = withHead(backbonePreset('bert-base-uncased')!.config, head)
const { weight, start } = generatedWeights(config, facts.centre_and_scale)

/** The fixture's rows without their padding, which padBatch adds again. */
function batchOf(): Batch {
  const [size, length] = fixture.entries.get('input_ids')!.shape as [number, number]
  const [ids, mask, types, ofRows] = ['input_ids', 'attention_mask', 'token_type_ids', 'labels'].map((name) =>
    fixture.readInts(name),
  ) as [Int32Array, Int32Array, Int32Array, Int32Array]
  const rows = Array.from({ length: size }, (_, row) => {
    const places = Array.from({ length }, (_, place) => row * length + place).filter((place) => mask[place] === 1)
    const first = places.filter((place) => types[place] === 0).length
    return { source: Int32Array.from(places, (place) => ids[place]!), target: labelTarget(ofRows[row]!, first) }
  })
  const tokens = { source: rows.map(({ source }) => source), target: rows.map(({ target }) => target) }
  return padBatch(inMemory(tokens, labels(head.labels, true)), [...rows.keys()], config.padId)
}

test('the generator gives the weights that Python gave', () => {
  for (const [name, expected] of Object.entries<number[]>(facts.first_second_last)) {
    const values = weight(name)
    expect([values[0], values[1], values.at(-1)], name).toEqual(expected)
  }
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test("Compacter on bert-base's dimensions gives the logits, the loss and every gradient that PyTorch gives", async () => {
    const model = loadModel(config, methodOptions.parse(facts.method), weight, 0)
    const [vector, batch] = [tf.tensor1d(start(model.layout)), batchOf()]
    const pass = passOf(model, unflatten(model.layout, vector), noDropout)
    const logits = tf.tidy(() => logitsOf(pass, tensorsOf(batch), head))
    expectClose(await logits.data(), fixture.read('logits'), { relative: 1e-4, name: 'logits' })
    const { loss, gradient } = tf.tidy(() => lossAndGradient(model, vector, batch, noDropout))
    expectClose(await loss.data(), fixture.read('loss'), { relative: 1e-4, name: 'loss' })
    const gradients = [...named(model.layout, (await gradient.data()) as Float32Array)]
    expect(gradients.map(([name]) => `gradient/${name}`).sort()).toEqual(
      [...fixture.entries.keys()].filter((name) => name.startsWith('gradient/')).sort(),
    )
    for (const [name, { data }] of gradients)
      expectClose(data as Float32Array, fixture.read(`gradient/${name}`), { relative: 1e-4, name })
    disposeModel(model)
    tf.dispose([vector, logits, loss, gradient])
  })
})
