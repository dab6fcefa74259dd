// expected: eager decoding, which test/engine/model/oracle.test.ts holds to PyTorch
import { beforeAll, describe, expect, test } from 'vitest'
import { presetNames } from '../../../src/base/presets.js'
import { LoadedGraphs } from '../../../src/engine/capture/loaded_graphs.js'
import { sessionConfig } from '../../../src/engine/graph/config.js'
import { Session } from '../../../src/engine/graph/session.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import type { Sources } from '../../../src/engine/model/generate.js'
import { blueprintOf, disposeModel, startVector } from '../../../src/engine/model/model.js'
import { decoderOf, replayStepper, type StepSettings } from '../../../src/engine/model/stepper.js'
import { startState } from '../../../src/engine/optimizer/optimizer.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import { SessionDecoder } from '../../../src/engine/replay/session_decoder.js'
import { trainingOptions } from '../../../src/experiment/schema.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { loadModelOf, openCase, openFixture } from '../../support/oracle_case.js'
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

/** Candidates that differ from row to row in number and length. */
const candidatesOf = (size: number): Int32Array[][] =>
  Array.from({ length: size }, (_, row) =>
    Array.from({ length: 2 + (row % 2) }, (_, i) =>
      Int32Array.from({ length: 1 + ((row + i) % 3) }, (_, j) => 3 + 7 * i + j),
    ),
  )

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
    test.each(presetNames('methods'))('of %s gives the tokens and log-likelihoods of eager decoding', async (name) => {
      const model = loadModelOf(backbone, preset(name).options)
      const { read } = openFixture(backbone)
      const replay = await startReplay(model, read, { seed: 0, threads: 2 })
      const start = startVector(model, read, SEED)
      const other = start.map((value, i) => value + 0.3 * Math.sin(i))
      const zeros = new Float32Array(start.length)
      await replay.write({ vector: start, first: zeros, second: zeros })
      for (const [vector, maxLength] of [
        [start, 6],
        [other, 3],
      ] as const) {
        const decoder = await replay.decoder(vector === start ? undefined : vector)
        const eager = decoderOf(model, vector)
        for (const [size, length] of SHAPES) {
          const batch = sources(size, length, model.config.vocabulary)
          expect(await decoder.generate(batch, maxLength)).toEqual(await eager.generate(batch, maxLength))
          if (backbone !== 't5-tiny' || size === 1) continue // one ranking graph is enough to capture
          const candidates = candidatesOf(size)
          const scores = (await decoder.rank!(batch, candidates)).flat()
          expectClose(scores, (await eager.rank!(batch, candidates)).flat(), { relative: 1e-5, name: 'scores' })
        }
        for (const each of [decoder, eager]) await each.dispose()
      }
      replay.free()
      disposeModel(model)
    })
  })

  test('two runs of an intrinsic method in one session make their weights in turn', async () => {
    const { read, config } = openFixture('t5-tiny')
    const model = loadModelOf('t5-tiny', preset('intrinsic-said').options)
    const session = new Session(runningLibrary(), sessionConfig(2))
    const batch = sources(3, 7, config.vocabulary)
    const runs = await Promise.all(
      ['', 'run_1/'].map(async (owner, i) => {
        const vector = startVector(model, read, SEED).map((value, at) => value + Math.sin(at + i))
        await session.assign(`${owner}trained`, { shape: [vector.length], data: vector }, 'float32')
        const graphs = new LoadedGraphs(session, model)
        return { vector, decoder: new SessionDecoder(session, model, { graphs, read, owner }) }
      }),
    )
    for (const { vector, decoder } of [...runs, runs[0]!]) {
      const eager = decoderOf(model, vector)
      const candidates = candidatesOf(3)
      await decoder.ready(vector)
      const scores = (await decoder.rank(batch, candidates)).flat()
      expectClose(scores, (await eager.rank!(batch, candidates)).flat(), { relative: 1e-5, name: 'scores' })
      for (const each of [decoder.done(), eager.dispose()]) await each
    }
    session.free()
    disposeModel(model)
  })

  test.each([
    ['intrinsic', 'float32'],
    ['intrinsic-said', 'bfloat16'],
    ['compacter', 'bfloat16'],
    ['mam', 'bfloat16'],
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
    const candidates = candidatesOf(3)
    const scores = (await decoder.rank!(batch, candidates)).flat()
    expectClose(scores, (await expected.rank!(batch, candidates)).flat(), { relative: 1e-5, name: 'scores' })
    const { batch: targets } = openCase('t5-tiny', 'compacter-n3-rank2')
    const loss = await decoder.loss(targets)
    expectClose([loss], [await expected.loss(targets)], { relative: 1e-5, name: 'loss' })
    for (const each of [decoder, expected]) await each.dispose()
    const again = await stepper.decoder() // its weights are put in place again
    expect(await again.loss(targets)).toBe(loss)
    await again.dispose()
    stepper.free()
    disposeModel(model)
    expect(tf.memory().numTensors).toBe(0)
  })
})
