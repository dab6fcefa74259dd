// expected: eager decoding, which test/engine/model/oracle.test.ts holds to PyTorch
import { beforeAll, describe, expect, test } from 'vitest'
import { presetNames } from '../../../src/base/presets.js'
import { generate, type Sources } from '../../../src/engine/model/generate.js'
import { blueprintOf, disposeModel, evaluationPass, startVector } from '../../../src/engine/model/model.js'
import { decoderOf, replayStepper, type StepSettings } from '../../../src/engine/model/stepper.js'
import { startState } from '../../../src/engine/optimizer/optimizer.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import { trainingOptions } from '../../../src/experiment/schema.js'
import tf from '../../../src/tensor/tf.cjs'
import { hasEngine, useEngine } from '../../support/engines.js'
import { loadModelOf, openFixture } from '../../support/oracle_case.js'
import { preset } from '../../support/tiny_presets.js'
import { zeroPadded } from '../../support/zero_padded.js'

const SEED = 11
const SHAPES = [
  [3, 7],
  [1, 5],
  [4, 16],
] as const

/** What a stepper reads of an experiment. */
const settingsOf = (precision: 'float32' | 'bfloat16'): StepSettings => ({
  training: trainingOptions.parse({ steps: 1, learning_rate: 1e-3, seed: 0, precision }),
})

/** Rows of which each second one ends in padding. */
function sources(size: number, sourceLength: number, vocabulary: number): Sources {
  const id = (i: number) => 2 + ((i * 7919) % (vocabulary - 2))
  const isPadding = (i: number) => Math.floor(i / sourceLength) % 2 === 1 && i % sourceLength > sourceLength / 2
  const source = Int32Array.from({ length: size * sourceLength }, (_, i) => (isPadding(i) ? 0 : id(i)))
  return zeroPadded({ source, target: new Int32Array(0) }, size)
}

describe.runIf(hasEngine('tensorflow'))('replayed decoding', () => {
  beforeAll(() => useEngine('tensorflow'))

  describe.each(['t5-tiny', 't5-tiny-v1_1'])('on %s', (backbone) => {
    const methods = presetNames('methods').filter((name) => !name.startsWith('intrinsic'))

    test.each(methods)('of %s gives the tokens of eager decoding', async (name) => {
      const model = loadModelOf(backbone, preset(name).options)
      const { read } = openFixture(backbone)
      const replay = await startReplay(model, read, { seed: 0, threads: 2 })
      const start = startVector(model, read, SEED)
      const other = start.map((value, i) => value + 0.3 * Math.sin(i))
      const zeros = new Float32Array(start.length)
      await replay.write({ vector: start, first: zeros, second: zeros })
      for (const [size, length] of SHAPES)
        for (const [vector, maxLength] of [
          [start, 6],
          [other, 3],
        ] as const) {
          const batch = sources(size, length, model.config.vocabulary)
          const tensor = tf.tensor1d(vector)
          const { pass, dispose } = evaluationPass(model, tensor)
          const expected = await generate(pass, batch, maxLength)
          dispose()
          tensor.dispose()
          expect(await replay.generate(batch, maxLength, vector === start ? undefined : vector)).toEqual(expected)
        }
      replay.free()
      disposeModel(model)
    })
  })

  test.each([
    ['intrinsic', 'float32'],
    ['compacter', 'bfloat16'],
  ] as const)('of %s in %s is eager decoding with the unrounded weights', async (name, precision) => {
    const { options } = preset(name)
    const { config, read } = openFixture('t5-tiny')
    const experiment = settingsOf(precision)
    const blueprint = blueprintOf(config, options)
    const start = startVector(blueprint, read, 0)
    const stepper = await replayStepper(blueprint, experiment, startState(start), { read, threads: 2 })
    const model = loadModelOf('t5-tiny', options)
    const decoder = await stepper.decoder()
    const expected = decoderOf(model, start)
    const batch = sources(3, 7, config.vocabulary)
    expect(await decoder.generate(batch, 5)).toEqual(await expected.generate(batch, 5))
    for (const each of [decoder, expected]) each.dispose()
    stepper.free()
    disposeModel(model)
    expect(tf.memory().numTensors).toBe(0)
  })
})
