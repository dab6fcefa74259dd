// expected: test/oracle/rank.py, PyTorch and transformers
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { LoadedGraphs } from '../../../src/engine/capture/loaded_graphs.js'
import { sessionConfig } from '../../../src/engine/graph/config.js'
import { Session } from '../../../src/engine/graph/session.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { generate, generateScored } from '../../../src/engine/model/generate.js'
import { gathered } from '../../../src/engine/model/layout.js'
import { blueprintOf, disposeModel, evaluationPass } from '../../../src/engine/model/model.js'
import { rank } from '../../../src/engine/model/rank.js'
import { SessionDecoder } from '../../../src/engine/replay/session_decoder.js'
import { expectClose } from '../../support/close.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { loadCase, type OracleCase, openCase, openFixture } from '../../support/oracle_case.js'

const backbones = ['t5-tiny', 't5-tiny-v1_1']
const NAME = 'compacter-n3-rank2'
const EOS = 1

/** The candidates of a fixture and their log-likelihoods, a list a row of the batch. */
function openExpected(backbone: string, which: 'shared' | 'own') {
  const file = openSafetensors(join(packageRoot, 'test/fixtures', backbone, 'rank', `${NAME}.safetensors`))
  const ids: number[][][] = JSON.parse(file.metadata.case!).candidates[which]
  const candidates = ids.map((row) => row.map((candidate) => Int32Array.from(candidate)))
  return { candidates, scores: file.read(which) }
}

/** The case's model on the device while `work` runs; afterwards no tensor is left that was not there before. */
async function withPass<T>(
  backbone: string,
  name: string,
  work: (pass: ReturnType<typeof evaluationPass>['pass'], batch: OracleCase['batch']) => Promise<T>,
): Promise<T> {
  const oracle = openCase(backbone, name)
  const { model, start } = loadCase(backbone, oracle)
  const vector = tf.tensor1d(start)
  const { pass, dispose } = evaluationPass(model, vector)
  const { numTensors } = tf.memory()
  const result = await work(pass, oracle.batch)
  expect(tf.memory().numTensors, 'tensors').toBe(numTensors)
  dispose()
  disposeModel(model)
  vector.dispose()
  return result
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  describe.each(backbones)('%s with Compacter', (backbone) => {
    test.each(['shared', 'own'] as const)(
      'gives %s candidates the log-likelihoods that PyTorch gives',
      async (which) => {
        const { candidates, scores } = openExpected(backbone, which)
        const ranked = await withPass(backbone, NAME, (pass, batch) => rank(pass, batch, candidates))
        expect(ranked.map((row) => row.length)).toEqual(candidates.map((row) => row.length))
        for (const [i, score] of ranked.flat().entries())
          expect(Math.abs(score - scores[i]!), `${i}`).toBeLessThan(1e-4)
      },
    )

    test.each(['shared', 'own'] as const)('gives %s candidates the same in chunks of any size', async (which) => {
      const { candidates, scores } = openExpected(backbone, which)
      for (const limits of [
        { positions: 1, logits: 1 }, // one candidate a row, one token at a time
        { positions: 60, logits: 7 }, // some candidates a chunk, the last chunk smaller; slices that cut candidates
      ]) {
        const ranked = await withPass(backbone, NAME, (pass, batch) => rank(pass, batch, candidates, limits))
        expectClose(ranked.flat(), scores, { relative: 1e-5, name: JSON.stringify(limits) })
      }
    })

    test('a row without candidates gets no scores, and the others theirs', async () => {
      const { candidates, scores } = openExpected(backbone, 'own')
      const fewer = candidates.map((row, i) => (i === 0 ? [] : row))
      const ranked = await withPass(backbone, NAME, (pass, batch) => rank(pass, batch, fewer))
      expect(ranked[0]).toEqual([])
      expectClose(ranked.flat(), scores.slice(candidates[0]!.length), { relative: 1e-5, name: 'scores' })
      const none = candidates.map(() => [])
      expect(await withPass(backbone, NAME, (pass, batch) => rank(pass, batch, none))).toEqual(none)
    })
  })

  // rows that end at different steps, after a prompt too; in the last case all are cut off
  test.each([
    ['t5-tiny', 'compacter-norm-before', [true, false, true, false]],
    ['t5-tiny', 'prompt-tuning', [true, false, false, false]],
    ['t5-tiny', 'prefix-tuning', [false, false, false, false]],
    ['t5-tiny-v1_1', 'full', [false, true, false, false]],
    ['t5-tiny-v1_1', NAME, [false, false, false, false]],
  ])('%s with %s generates rows with the log-probability that ranking gives them', async (backbone, name, ends) => {
    await withPass(backbone, name, async (pass, batch) => {
      const { outputs, logProbabilities } = await generateScored(pass, batch, 6)
      expect(outputs).toEqual(await generate(pass, batch, 6))
      expect(outputs.map((row) => row.length < 6)).toEqual(ends)
      const emitted = outputs.map((row, i) => Int32Array.from(ends[i] ? [...row, EOS] : row))
      const other = Int32Array.of(96, EOS)
      const ranked = await rank(
        pass,
        batch,
        emitted.map((row) => [other, row]),
      )
      const scores = ranked.map((row) => row[1]!)
      expectClose(logProbabilities, scores, { relative: 1e-5, name: 'log-probabilities' })
    })
  })
})

describe.runIf(hasEngine('tensorflow'))('in a session', () => {
  beforeAll(() => useEngine('tensorflow'))

  test.each(backbones)(
    '%s gives candidates the log-likelihoods that PyTorch gives, in chunks of any size',
    async (backbone) => {
      const oracle = openCase(backbone, NAME)
      const { read, config } = openFixture(backbone)
      const blueprint = blueprintOf(config, oracle.method)
      const session = new Session(runningLibrary(), sessionConfig(2))
      const graphs = new LoadedGraphs(session, blueprint)
      const decoder = new SessionDecoder(session, blueprint, { graphs, read })
      const vector = gathered(blueprint.layout, ({ name }) => oracle.read(`trained/${name}`))
      await session.assign('trained', { shape: [vector.length], data: vector }, 'float32')
      await decoder.ready()
      for (const which of ['shared', 'own'] as const) {
        const { candidates, scores } = openExpected(backbone, which)
        for (const limits of [undefined, { positions: 1, logits: 1 }, { positions: 60, logits: 7 }]) {
          const ranked = await decoder.rank(oracle.batch, candidates, { ...(limits && { limits }) })
          for (const [i, score] of ranked.flat().entries())
            expect(Math.abs(score - scores[i]!), `${which} ${i}`).toBeLessThan(1e-4)
        }
        const none = candidates.map(() => [])
        expect(await decoder.rank(oracle.batch, none)).toEqual(none)
      }
      session.free()
    },
  )
})
