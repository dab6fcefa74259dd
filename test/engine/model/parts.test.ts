// expected: the step on the whole batch, which test/engine/model/oracle.test.ts holds to PyTorch

import { beforeAll, describe, expect, test } from 'vitest'
import { accumulating } from '../../../src/engine/model/accumulate.js'
import { blueprintOf, disposeModel, loadModel, startVector } from '../../../src/engine/model/model.js'
import { type Gradient, rowsOf, type Share } from '../../../src/engine/model/share.js'
import { eagerStepper, type PartStepper, replayStepper, type StepSettings } from '../../../src/engine/model/stepper.js'
import { startState } from '../../../src/engine/optimizer/optimizer.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { openCase, openFixture } from '../../support/oracle_case.js'
import { preset } from '../../support/tiny_presets.js'

const STEPS = 3
const RATE = 1e-3
const training: StepSettings['training'] = {
  seed: 11,
  dropout: 0.1,
  label_smoothing: 0,
  optimizer: 'adam',
  weight_decay: 0,
  gradient_clip_norm: 1,
  checkpoint_activations: false,
  precision: 'float32',
}

const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')
const { config, read } = openFixture('t5-tiny')

const OWN_DROPOUT = ' with its own dropout'

/** A preset by its name, or one whose own dropout is on. */
const presetOf = (name: string): Parameters<typeof preset> =>
  name.endsWith(OWN_DROPOUT) ? [name.replace(OWN_DROPOUT, ''), { rank: 2, dropout: 0.2 }] : [name]

const ways = [
  ...(hasEngine('tensorflow') ? ([['tensorflow', 'replay']] as const) : []),
  ...engines.map((engine) => [engine, 'eager'] as const),
]

describe.each(ways)('a step in parts on %s, %s', (engine, mode) => {
  beforeAll(() => useEngine(engine))

  /** Losses, gradient norms and trained values after some steps, each taken by `take`. */
  async function taking(name: string, take: (stepper: PartStepper) => ReturnType<PartStepper['step']>) {
    const { options } = preset(...presetOf(name))
    const model = loadModel(config, options, read, training.seed)
    const start = startState(startVector(model, read, training.seed))
    const experiment = { training }
    const stepper =
      mode === 'eager'
        ? eagerStepper(model, experiment, start)
        : await replayStepper(model, experiment, start, { read, threads: 2 })
    const results: number[] = []
    for (let step = 0; step < STEPS; step++) {
      const { result } = await take(stepper)
      results.push(result.loss, result.gradientNorm)
    }
    const vector = Float32Array.from(await (await stepper.state()).vector.data())
    stepper.free()
    disposeModel(model)
    return { results, vector }
  }

  /** The mean gradient of a share's target tokens, made of so many rows at a time. */
  async function pieced(stepper: PartStepper, share: Share, sizes: number[]): Promise<Gradient> {
    const sum = { loss: 0, values: new Float32Array(stepper.size) }
    let from = 0
    for (const size of sizes) {
      const { weight, ...rows } = rowsOf(share, from, size)
      const { loss, values } = await stepper.gradient(rows)
      sum.loss += weight * loss
      sum.values.forEach((value, i) => {
        sum.values[i] = value + weight * values[i]!
      })
      from += size
    }
    return sum
  }

  test('with the gradient of the whole batch is the step', async () => {
    const whole = await taking('compacter', (stepper) => stepper.step(batch, RATE))
    const halves = await taking('compacter', async (stepper) => stepper.update(await stepper.gradient({ batch }), RATE))
    expectClose(halves.results, whole.results, { relative: 1e-6, name: 'losses and norms' })
    expectClose(halves.vector, whole.vector, { relative: 1e-6, name: 'trained values' })
    expect(tf.memory().numTensors).toBe(0)
  })

  test.each([
    'compacter',
    'full',
    'intrinsic-said',
    'prompt-tuning-r',
    'prefix-tuning',
    'dora with its own dropout',
    'vera with its own dropout',
  ])('of %s takes the same masks and weights, whatever the parts are', async (name) => {
    const whole = await taking(name, (stepper) => stepper.step(batch, RATE))
    expect(batch.size).toBe(4)
    await taking(name, async (stepper) => {
      const [all, parts] = [await stepper.gradient({ batch }), await pieced(stepper, { batch }, [1, 2, 1])]
      expectClose(parts.values, all.values, { relative: 1e-5, name: 'gradient' })
      return stepper.update(all, RATE)
    })
    const uneven = await taking(name, async (stepper) => stepper.update(await pieced(stepper, { batch }, [3, 1]), RATE))
    const nested = await taking(name, async (stepper) => {
      const { weight, ...first } = rowsOf({ batch }, 0, 1)
      const { weight: rest, ...others } = rowsOf({ batch }, 1, 3)
      const [a, b] = [await stepper.gradient(first), await pieced(stepper, others, [2, 1])]
      const loss = weight * a.loss + rest * b.loss
      return stepper.update({ loss, values: a.values.map((x, i) => weight * x + rest * b.values[i]!) }, RATE)
    })
    for (const parts of [uneven, nested]) {
      expectClose(parts.results, whole.results, { relative: 1e-5, name: 'losses and norms' })
      // Adam divides a gradient by its own size: a small one's rounding moves its value as far as a large one's
      expectClose(parts.vector, whole.vector, { relative: 5e-5, name: 'trained values' })
    }
  })

  test.each([1, 3])('of %i rows at a time, summed up, is the step', async (rows) => {
    const whole = await taking('compacter', (stepper) => stepper.step(batch, RATE))
    const parts = await taking('compacter', (stepper) => accumulating(stepper, rows).step(batch, RATE))
    const share = await taking('compacter', async (stepper) => {
      const { weight, ...first } = rowsOf({ batch }, 0, 3)
      const { weight: rest, ...last } = rowsOf({ batch }, 3, 1)
      const summed = accumulating(stepper, rows)
      const [a, b] = [await summed.gradient(first), await summed.gradient(last)]
      const values = a.values.map((x, i) => weight * x + rest * b.values[i]!)
      return summed.update({ loss: weight * a.loss + rest * b.loss, values }, RATE)
    })
    for (const { results, vector } of [parts, share]) {
      expectClose(results, whole.results, { relative: 1e-6, name: 'losses and norms' })
      expectClose(vector, whole.vector, { relative: 1e-5, name: 'trained values' })
    }
  })

  test('is not taken where the gradient is not a number', async () => {
    const { vector } = await taking('compacter', async (stepper) => {
      const values = new Float32Array(stepper.size).fill(Number.NaN)
      const outcome = await stepper.update({ loss: 1, values }, RATE)
      expect(outcome).toEqual({ taken: false, result: { loss: 1, gradientNorm: Number.NaN } })
      expect(stepper.count).toBe(0)
      return outcome
    })
    expect(vector).toEqual(startVector(blueprintOf(config, preset('compacter').options), read, training.seed))
  })
})
