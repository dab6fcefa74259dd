// expected: torch.optim.Adam, torch.optim.AdamW and transformers' Adafactor, test/oracle/optimizers.py

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { accumulating } from '../../../src/engine/model/accumulate.js'
import { loadCheckpoint, saveCheckpoint } from '../../../src/engine/model/checkpoint.js'
import { gathered, type Layout, layoutOf, named } from '../../../src/engine/model/layout.js'
import { blueprintOf, disposeModel, loadModel, startVector } from '../../../src/engine/model/model.js'
import { stepBy } from '../../../src/engine/model/step.js'
import { eagerStepper, type PartStepper, replayStepper, type StepSettings } from '../../../src/engine/model/stepper.js'
import {
  disposeState,
  keptOf,
  type OptimizerState,
  startState,
  valuesOf,
} from '../../../src/engine/optimizer/optimizer.js'
import { optimizerOf } from '../../../src/engine/optimizer/optimizers.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { openCase, openFixture } from '../../support/oracle_case.js'
import { preset } from '../../support/tiny_presets.js'

type Choice = Pick<StepSettings['training'], 'optimizer' | 'weight_decay'>

const CASES: [string, Choice][] = [
  ['adam', { optimizer: 'adam', weight_decay: 0 }],
  ['adamw', { optimizer: 'adamw', weight_decay: 0.3 }],
  ['adamw-0', { optimizer: 'adamw', weight_decay: 0 }],
  ['adafactor', { optimizer: 'adafactor', weight_decay: 0 }],
  ['adafactor-decay', { optimizer: 'adafactor', weight_decay: 0.3 }],
]
const LATER = CASES.filter(([name]) => name === 'adamw' || name === 'adafactor-decay')

const oracle = openSafetensors(join(packageRoot, 'test/fixtures/optimizers.safetensors'))
const { shapes, rates, clip } = JSON.parse(oracle.metadata.case!) as {
  shapes: Record<string, number[]>
  rates: number[]
  clip: number
}
const layout = layoutOf(Object.entries(shapes).map(([name, shape]) => ({ name, shape, start: { kind: 'zeros' } })))
const values = (of: string) => gathered(layout, ({ name }) => oracle.read(`${of}/${name}`))

function expectValues(layout: Layout, actual: Float32Array, of: string): void {
  for (const [name, { data }] of named(layout, actual))
    expectClose(data as Float32Array, oracle.read(`${of}/${name}`), { relative: 1e-6, name: `${of}/${name}` })
}

const { config, read } = openFixture('t5-tiny')

describe.each(engines)('updates on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(CASES)("of %s are those of PyTorch's on every shape", async (name, choice) => {
    const optimizer = optimizerOf(choice)
    let state = startState(values('start'), optimizer.moments(layout))
    for (const [step, learningRate] of rates.entries()) {
      const given = () => ({ loss: tf.scalar(1), gradient: tf.tensor1d(values(`gradient/${step}`)) })
      state = (await stepBy(layout, state, given, { learningRate, gradientClipNorm: clip, optimizer })).state
      expectValues(layout, (await state.vector.data()) as Float32Array, `${name}/${step}`)
    }
    disposeState(state)
    expect(tf.memory().numTensors).toBe(0)
  })
})

describe.runIf(hasEngine('tensorflow'))('replayed updates', () => {
  beforeAll(() => useEngine('tensorflow'))

  /** A model that trains the oracle's tensors: no more of it is used than its update. */
  function blueprint() {
    const { method, options } = blueprintOf(config, preset('compacter').options)
    return { config, options, layout, method: { ...method } } // another method's graphs are not kept
  }

  test.each(CASES)("of %s are those of PyTorch's on every shape", async (name, choice) => {
    const optimizer = optimizerOf(choice)
    const replay = await startReplay(blueprint(), read, { seed: 0, threads: 2, gradientClipNorm: clip, optimizer })
    const start = startState(values('start'), optimizer.moments(layout))
    await replay.write(await valuesOf(start))
    disposeState(start)
    for (const [step, learningRate] of rates.entries()) {
      const gradient = values(`gradient/${step}`)
      if (step === 3) {
        const before = await replay.read()
        const infinite = { loss: 1, values: gradient.map(() => Number.POSITIVE_INFINITY) }
        await replay.update(infinite, step, learningRate)
        expect(await replay.read()).toEqual(before)
      }
      await replay.update({ loss: 1, values: gradient }, step, learningRate)
      expectValues(layout, (await replay.read()).vector, `${name}/${step}`)
    }
    replay.free()
  })
})

describe.each(['replay', 'eager'] as const)('a training, %s,', (mode) => {
  const engine = engines[0]!
  const here = mode === 'eager' || engine === 'tensorflow'
  beforeAll(() => useEngine(engine))
  const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')
  const RATE = 1e-3

  const settingsOf = (choice: Choice): StepSettings => ({
    training: {
      ...choice,
      seed: 3,
      dropout: 0.1,
      label_smoothing: 0,
      gradient_clip_norm: 1,
      checkpoint_activations: false,
      precision: 'float32',
    },
  })

  /** What `take` gives of a stepper that begins with a state, or anew. */
  async function taking<T>(
    mode: 'replay' | 'eager',
    method: string,
    choice: Choice,
    take: (stepper: PartStepper) => Promise<T>,
    begun?: OptimizerState,
  ): Promise<T> {
    const model = loadModel(config, preset(method).options, read, 3)
    const vector = startVector(model, read, 3)
    const state = begun ?? startState(vector, optimizerOf(choice).moments(model.layout))
    const session = { read, threads: 2 }
    const stepper =
      mode === 'eager'
        ? eagerStepper(model, settingsOf(choice), state)
        : await replayStepper(model, settingsOf(choice), state, session)
    const taken = await take(stepper)
    stepper.free()
    disposeModel(model)
    return taken
  }

  const steps = (count: number, inParts?: number) => async (whole: PartStepper) => {
    const stepper = inParts === undefined ? whole : accumulating(whole, inParts)
    for (let i = 0; i < count; i++) expect((await stepper.step(batch, RATE)).taken).toBe(true)
    return valuesOf(await stepper.state())
  }

  describe.runIf(here).each(LATER)('by %s', (_, choice) => {
    test.each(['compacter', 'full'])('of %s is where the eager one is, in parts too', async (method) => {
      const expected = await taking('eager', method, choice, steps(3))
      for (const inParts of [undefined, 3]) {
        const own = await taking(mode, method, choice, steps(3, inParts))
        for (const [name, values] of keptOf(own))
          expectClose(values, expected[name]!, { relative: inParts ? 5e-5 : 1e-5, name })
      }
    })

    test('continues from its checkpoint to the same bits', async () => {
      const whole = await taking(mode, 'compacter', choice, steps(4))
      const file = join(mkdtempSync(join(tmpdir(), 'compacter-')), 'state.safetensors')
      await taking(mode, 'compacter', choice, async (stepper) => {
        await steps(2)(stepper)
        await saveCheckpoint(file, await stepper.state(), { evaluatedStep: 0, seconds: 0 })
      })
      const { layout } = blueprintOf(config, preset('compacter').options)
      const { optimizer } = loadCheckpoint(file, layout, optimizerOf(choice))
      expect(optimizer.step).toBe(2)
      expect(await taking(mode, 'compacter', choice, steps(2), optimizer)).toEqual(whole)
    })
  })
})

test('a checkpoint of another optimiser is refused', async () => {
  await useEngine(engines[0]!)
  const file = join(mkdtempSync(join(tmpdir(), 'compacter-')), 'state.safetensors')
  const state = startState(values('start'))
  await saveCheckpoint(file, state, { evaluatedStep: 0, seconds: 0 })
  disposeState(state)
  expect(() => loadCheckpoint(file, layout, optimizerOf({ optimizer: 'adafactor', weight_decay: 0 }))).toThrow(
    `${file}: has no factors, which the optimiser adafactor needs. Start a new run with --run-dir.`,
  )
})
