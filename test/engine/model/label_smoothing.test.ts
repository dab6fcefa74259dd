// expected: torch.nn.functional.cross_entropy(label_smoothing, ignore_index), test/oracle/label_smoothing.py

import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { named } from '../../../src/engine/model/layout.js'
import { disposeModel } from '../../../src/engine/model/model.js'
import { type Gradient, rowsOf } from '../../../src/engine/model/share.js'
import { eagerStepper, replayStepper, type StepSettings } from '../../../src/engine/model/stepper.js'
import { startState } from '../../../src/engine/optimizer/optimizer.js'
import { crossEntropy } from '../../../src/tensor/cross_entropy.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { loadCase, openCase, openFixture } from '../../support/oracle_case.js'

const oracle = openSafetensors(join(packageRoot, 'test/fixtures/t5-tiny/loss/label-smoothing.safetensors'))
const { smoothing, rows, vocabulary } = JSON.parse(oracle.metadata.case!)
const expected = openCase('t5-tiny', 'compacter-n3-rank2')
const { read } = openFixture('t5-tiny')
const { batch } = expected

const ways = [
  ...(hasEngine('tensorflow') ? ([['tensorflow', 'replay']] as const) : []),
  ...engines.map((engine) => [engine, 'eager'] as const),
]

describe.each(ways)('a smoothed loss on %s, %s', (engine, mode) => {
  beforeAll(() => useEngine(engine))

  async function stepperOf(precision: StepSettings['training']['precision'] = 'float32') {
    const { model, start } = loadCase('t5-tiny', expected)
    const experiment: StepSettings = {
      training: {
        seed: 0,
        dropout: 0,
        label_smoothing: smoothing,
        optimizer: 'adam',
        weight_decay: 0,
        gradient_clip_norm: 1,
        checkpoint_activations: false,
        precision,
      },
    }
    const state = startState(start)
    const stepper =
      mode === 'eager'
        ? eagerStepper(model, experiment, state)
        : await replayStepper(model, experiment, state, { read, threads: 2 })
    const free = () => {
      stepper.free()
      disposeModel(model)
    }
    return { stepper, layout: model.layout, free }
  }

  test("has PyTorch's value and gradients, of a batch and of its parts", async () => {
    const { stepper, layout, free } = await stepperOf()
    const whole = await stepper.gradient({ batch })
    const parts: Gradient = { loss: 0, values: new Float32Array(stepper.size) }
    for (const [from, size] of [
      [0, 1],
      [1, 3],
    ] as const) {
      const { weight, ...share } = rowsOf({ batch }, from, size)
      const { loss, values } = await stepper.gradient(share)
      parts.loss += weight * loss
      values.forEach((value, i) => {
        parts.values[i]! += weight * value
      })
    }
    for (const { loss, values } of [whole, parts]) {
      expectClose([loss], oracle.read('loss'), { relative: 1e-5, name: 'loss' })
      for (const [name, { data }] of named(layout, values))
        expectClose(data as Float32Array, oracle.read(`gradient/${name}`), { relative: 1e-5, name })
    }
    expect((await stepper.step(batch, 1e-3)).result.loss).toBeCloseTo(whole.loss, 5)
    free()
  })

  test.runIf(mode === 'replay')('in bfloat16 is near it', async () => {
    const { stepper, free } = await stepperOf('bfloat16')
    const { loss } = await stepper.gradient({ batch })
    expectClose([loss], oracle.read('loss'), { relative: 2 ** -6, name: 'loss' })
    free()
  })
})

test.each(engines)("a smoothed loss over t5-small's vocabulary is PyTorch's on %s", async (engine) => {
  await useEngine(engine)
  const logits = Float32Array.from({ length: rows * vocabulary }, (_, i) => 8 * Math.sin(i))
  const labels = Int32Array.from({ length: rows }, (_, k) => (k % 4 === 3 ? 0 : ((k + 1) * 7919) % vocabulary))
  const mask = labels.map((label) => (label === 0 ? 0 : 1))
  const loss = tf.tidy(() =>
    crossEntropy(
      tf.tensor2d(logits, [rows, vocabulary]),
      tf.tensor1d(labels, 'int32'),
      tf.tensor1d(mask, 'int32'),
      smoothing,
    ),
  )
  expectClose(await loss.data(), oracle.read('large'), { relative: 1e-5, name: 'loss' })
  loss.dispose()
})
