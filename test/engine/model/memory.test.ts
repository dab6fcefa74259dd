import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { collectGarbage } from '../../../src/base/collect_garbage.js'
import { MersenneTwister } from '../../../src/base/numbers/random.js'
import { generate } from '../../../src/engine/model/generate.js'
import { unflatten } from '../../../src/engine/model/layout.js'
import { blueprintOf, disposeModel, passOf, startVector } from '../../../src/engine/model/model.js'
import { trainingStep } from '../../../src/engine/model/step.js'
import { replayStepper, type StepSettings } from '../../../src/engine/model/stepper.js'
import { disposeState, type OptimizerState, startState } from '../../../src/engine/optimizer/optimizer.js'
import { inMemory, padBatch, trainingPlan } from '../../../src/task/tokens/batches.js'
import type { TokenRows } from '../../../src/task/tokens/tokenise.js'
import { dropoutAt, noDropout } from '../../../src/tensor/dropout.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { loadCase, openCase, openFixture } from '../../support/oracle_case.js'
import { preset } from '../../support/tiny_presets.js'

const MEBIBYTE = 2 ** 20
const STEPS = 200

/** Resident memory of this process, in MiB, without what JavaScript has let go of. */
function residentMemory(): number {
  collectGarbage()
  return process.memoryUsage().rss / MEBIBYTE
}

/** Rows of 3 to 30 tokens of the tiny vocabulary. */
function randomRows(count: number): TokenRows {
  const random = new MersenneTwister(0)
  const row = (longest: number) => {
    const length = 3 + (random.uint32() % (longest - 3))
    return Int32Array.from({ length }, (_, i) => (i === length - 1 ? 1 : 2 + (random.uint32() % 95)))
  }
  return {
    source: Array.from({ length: count }, () => row(30)),
    target: Array.from({ length: count }, () => row(6)),
  }
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test(`${STEPS} steps with dropout and evaluations leave no tensor behind, and memory flat after the first epoch`, async () => {
    const rows = randomRows(160)
    const plan = trainingPlan(
      rows.source.map((row) => row.length),
      8,
      0,
    )
    const { model, start } = loadCase('t5-tiny', openCase('t5-tiny', 'compacter-n3-rank2'))
    const zeros = () => tf.zeros([start.length]) as tf.Tensor1D
    let state: OptimizerState = { vector: tf.tensor1d(start), first: zeros(), second: zeros(), step: 0 }
    const tensors = tf.memory().numTensors
    const resident: number[] = [] // every 10 steps; what an epoch holds at least is what it does not give back
    for (let step = 0; step < STEPS; step++) {
      const dropout = dropoutAt(0.1, 0, step)
      const batch = padBatch(inMemory(rows), plan.batch(step), 0)
      state = (await trainingStep(model, state, batch, { learningRate: 1e-4, gradientClipNorm: 1, dropout })).state
      if (step % 20 === 19) {
        const views = tf.tidy(() => unflatten(model.layout, state.vector))
        await generate(passOf(model, views, noDropout), batch, 5)
        tf.dispose(views)
      }
      expect(tf.memory().numTensors, `tensors after step ${step + 1}`).toBe(tensors)
      if (step % 10 === 9) resident.push(residentMemory())
    }
    const epoch = plan.stepsPerEpoch / 10
    const [early, late] = [resident.slice(epoch, 5 * epoch), resident.slice(-5 * epoch)]
    expect(Math.min(...late) - Math.min(...early), `MiB more in the last epochs; all: ${resident}`).toBeLessThan(20)
    disposeState(state)
    disposeModel(model)
  })
})

test.runIf(hasEngine('tensorflow'))('a replayed training holds its state in the session alone', async () => {
  await useEngine('tensorflow')
  const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')
  const { config, read } = openFixture('t5-tiny')
  const blueprint = blueprintOf(config, preset('full').options)
  const vector = startVector(blueprint, read, 0)
  const stepper = await replayStepper(blueprint, { training }, startState(vector), { read, threads: 1 })
  await stepper.step(batch, 1e-3)
  expect(tf.memory().numTensors).toBe(0)
  const state = await stepper.state()
  expect(await stepper.state()).toBe(state) // read once for the checkpoint and the best of them
  expect(state.step).toBe(1)
  expect(tf.memory().numTensors).toBe(3)
  await stepper.step(batch, 1e-3)
  expect(tf.memory().numTensors).toBe(0)
  stepper.free()
})

const training: StepSettings['training'] = {
  ...{ seed: 0, dropout: 0, label_smoothing: 0, optimizer: 'adam', weight_decay: 0, gradient_clip_norm: 1 },
  ...{ checkpoint_activations: false, precision: 'float32' },
}
