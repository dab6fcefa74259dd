// expected: test/oracle/padding.py, PyTorch and transformers, of a T5 that pads with 7, which is a token in some rows
// too
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { shareOf } from '../../../src/engine/cluster/stepper.js'
import { generate } from '../../../src/engine/model/generate.js'
import { disposeModel, evaluationPass } from '../../../src/engine/model/model.js'
import { rank } from '../../../src/engine/model/rank.js'
import { trainingStep } from '../../../src/engine/model/step.js'
import { disposeState, startState } from '../../../src/engine/optimizer/optimizer.js'
import { type ReplayOptions, startReplay } from '../../../src/engine/replay/replay.js'
import { inMemory, padBatch } from '../../../src/task/tokens/batches.js'
import { noDropout } from '../../../src/tensor/dropout.js'
import { expectClose } from '../../support/close.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { expectGreedy, expectLikePyTorch } from '../../support/like_pytorch.js'
import { loadCase, openCase, openFixture } from '../../support/oracle_case.js'

const BACKBONE = 't5-tiny-padded'
const CASES = ['full', 'compacter', 'prompt-tuning', 'prefix-tuning']
const PAD = 7

test('the rows hold the padding id as a token, and are padded with it', () => {
  const { batch } = openCase(BACKBONE, 'full')
  const count = (ids: Int32Array, mask: Int32Array, value: number) =>
    ids.reduce((sum, id, i) => sum + Number(id === PAD && mask[i] === value), 0)
  expect([1, 0].map((value) => count(batch.inputs.source, batch.inputs.source_mask, value))).toEqual([4, 7])
  expect([1, 0].map((value) => count(batch.inputs.target as Int32Array, batch.inputs.target_mask, value))).toEqual([
    1, 6,
  ])
})

test("ranks' shares have the tokens of their rows, the padding id among them", () => {
  const { batch } = openCase(BACKBONE, 'full')
  const shares = (size: number) => Array.from({ length: size }, (_, rank) => shareOf(batch, { rank, size }))
  expect(shares(4).map((share) => Math.round(14 * share!.weight))).toEqual([5, 3, 2, 4])
  const [, last] = shares(2)
  expect(last!.batch.inputs.source_mask).toEqual(batch.inputs.source_mask.slice(14))
  expect(last!.batch.inputs.target_mask).toEqual(batch.inputs.target_mask.slice(10))
  expect(last!.first).toBe(2)
  expect(shares(5).map((share) => share?.batch.size)).toEqual([undefined, 1, 1, 1, 1])
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(CASES)('%s gives the logits, the loss and every gradient that PyTorch gives', async (name) => {
    await expectLikePyTorch(BACKBONE, name)
  })

  test.each(CASES)('%s decodes and ranks a row among others as PyTorch does alone', async (name) => {
    const expected = openCase(BACKBONE, name)
    const { candidates } = JSON.parse(
      openSafetensors(join(packageRoot, 'test/fixtures', BACKBONE, `${name}.safetensors`)).metadata.case!,
    ) as { candidates: number[][] }
    const ids = candidates.map((candidate) => Int32Array.from(candidate))
    const { model, start } = loadCase(BACKBONE, expected)
    const vector = tf.tensor1d(start)
    const { pass, dispose } = evaluationPass(model, vector)
    expectGreedy(await generate(pass, expected.batch, 6), expected, PAD)
    const { batch } = expected
    const own = (values: Int32Array, row: number) =>
      values.subarray(row * batch.lengths.source, (row + 1) * batch.lengths.source)
    const rows = [0, 1, 2, 3].map((row) =>
      own(batch.inputs.source, row).filter((_, i) => own(batch.inputs.source_mask, row)[i]),
    )
    const padded = padBatch(inMemory({ source: rows, target: rows }), [0, 1, 2, 3], PAD) // to a multiple of 8
    for (const sources of [batch, padded]) {
      const scores = await rank(pass, sources, new Array(batch.size).fill(ids))
      const deviations = scores.flat().map((score, i) => Math.abs(score - expected.read('ranked')[i]!))
      expect(Math.max(...deviations)).toBeLessThan(1e-4)
    }
    dispose()
    disposeModel(model)
    vector.dispose()
  })
})

describe.runIf(hasEngine('tensorflow'))('captured', () => {
  beforeAll(() => useEngine('tensorflow'))

  test.each<[string, string, Partial<ReplayOptions>]>([
    ['', 'full', {}],
    ['', 'compacter', {}],
    [' with activation checkpoints', 'compacter', { checkpointActivations: true }],
    ['', 'prompt-tuning', {}],
    [' with activation checkpoints', 'prefix-tuning', { checkpointActivations: true }],
  ])("steps%s of %s have PyTorch's loss and the eager gradient", async (_, name, settings) => {
    const expected = openCase(BACKBONE, name)
    const { model, start } = loadCase(BACKBONE, expected)
    const { read } = openFixture(BACKBONE)
    const replay = await startReplay(model, read, { seed: 0, dropout: 0, threads: 2, ...settings })
    const zeros = new Float32Array(start.length)
    await replay.write({ vector: start, first: zeros, second: zeros })
    const state = startState(start)
    const options = { learningRate: 1e-3, gradientClipNorm: 1, dropout: noDropout }
    const eager = await trainingStep(model, state, expected.batch, options)
    const replayed = await replay.step(expected.batch, 0, 1e-3)
    expectClose([replayed.loss], expected.read('loss'), { relative: 1e-4, name: 'loss' })
    expectClose([replayed.gradientNorm], [eager.result.gradientNorm], { relative: 1e-5, name: 'gradient norm' })
    expectClose((await replay.read()).first!, (await eager.state.first!.data()) as Float32Array, {
      relative: 1e-5,
      name: 'first moment',
    })
    disposeState(eager.state)
    replay.free()
    disposeModel(model)
  })

  test.each(CASES)('decoding of %s gives the tokens that PyTorch gives', async (name) => {
    const expected = openCase(BACKBONE, name)
    const { model, start } = loadCase(BACKBONE, expected)
    const replay = await startReplay(model, openFixture(BACKBONE).read, { seed: 0, threads: 2 })
    const zeros = new Float32Array(start.length)
    await replay.write({ vector: start, first: zeros, second: zeros })
    expectGreedy(await replay.generate(expected.batch, 6), expected, PAD)
    replay.free()
    disposeModel(model)
  })
})
