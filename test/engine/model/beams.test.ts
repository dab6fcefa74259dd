// expected: test/oracle/beams.py, transformers' generate
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { generateByBeams } from '../../../src/engine/model/beams.js'
import { generate } from '../../../src/engine/model/generate.js'
import { disposeModel, evaluationPass, startVector } from '../../../src/engine/model/model.js'
import { inMemory, padBatch } from '../../../src/task/tokens/batches.js'
import { engines, useEngine } from '../../support/engines.js'
import { loadModelOf, openFixture } from '../../support/oracle_case.js'

interface Expected {
  longest: number
  sources: number[][]
  outputs: Record<string, number[][]>
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  describe.each(['t5-tiny', 't5-tiny-v1_1'])('%s', (backbone) => {
    const file = join(packageRoot, 'test/fixtures', backbone, 'beams.json')
    const { longest, sources, outputs }: Expected = JSON.parse(readFileSync(file, 'utf8'))

    /** What is found for these rows as one batch, by a model that leaves no tensor behind. */
    async function found(rows: number[][], beams: number): Promise<number[][]> {
      const model = loadModelOf(backbone, { kind: 'full' })
      const vector = tf.tensor1d(startVector(model, openFixture(backbone).read, 0))
      const { pass, dispose } = evaluationPass(model, vector)
      const { numTensors } = tf.memory()
      const tokens = inMemory({
        source: rows.map((ids) => Int32Array.from(ids)),
        target: rows.map(() => Int32Array.of(1)),
      })
      const batch = padBatch(tokens, [...rows.keys()], model.config.padId)
      const ids =
        beams === 0 ? await generate(pass, batch, longest) : await generateByBeams(pass, batch, longest, beams)
      expect(tf.memory().numTensors, 'tensors').toBe(numTensors)
      dispose()
      vector.dispose()
      disposeModel(model)
      return ids
    }

    test.each(Object.keys(outputs).map(Number))('%i beams find what transformers finds', async (beams) => {
      expect(await found(sources, beams)).toEqual(outputs[beams])
    })

    test('one beam is greedy decoding', async () => {
      expect(await found(sources, 0)).toEqual(outputs[1])
    })

    test('a row gets the same output among others as alone', async () => {
      for (const row of [0, 7]) expect(await found([sources[row]!], 3)).toEqual([outputs[3]![row]])
    })
  })
})
