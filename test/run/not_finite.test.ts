import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { silent } from '../../src/base/progress.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { evaluateRuns } from '../../src/engine/evaluate/evaluate_run.js'
import { dryRun } from '../../src/engine/prepare/dry_run.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { exportRun } from '../../src/format/export.js'
import { importRun } from '../../src/format/import.js'
import { openPredictor } from '../../src/predict/predictor.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'
import { stopAfter } from '../support/stop_after.js'

const { folder, file } = smallExperiment({
  steps: 3,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 1,
  source_length: 32,
})
const path = (...names: string[]) => join(folder, ...names)
const [run, t5, other] = [path('run'), path('t5'), path('other')]
const weights = join(t5, 'model.safetensors')
const best = join(run, 'best.safetensors')
const device = { engine: engines[0]!, threads: 1 }
const options = { ...device, progress: silent }

/** A safetensors file after `change` had its way with the values of one tensor. */
function changed(file: string, name: string, change: (data: Float32Array) => void): void {
  const before = openSafetensors(file)
  const { metadata } = before
  const tensors = [...before.entries.values()].map(
    ({ name, shape }) => [name, { shape, data: before.read(name) }] as const,
  )
  before.close()
  change(tensors.find(([each]) => each === name)![1].data)
  writeSafetensors(file, tensors, metadata)
}

const training = ({ until = Number.POSITIVE_INFINITY, resume = false, runDir = run } = {}) => {
  const experiment = loadExperiment(file, [`backbone=${t5}`])
  return train(experiment, { ...options, folder: runDir, resume, interrupted: stopAfter(runDir, until) })
}
const evaluated = (scoring: 'generate' | 'rank') =>
  evaluateRuns([run], { ...options, split: 'test', scoring, sets: [], allowChanged: true })
const predicted = async (scoring: 'generate' | 'rank') => {
  const predictor = await openPredictor([openTrainedRun(run)], { ...options, scoring, allowChanged: true })
  try {
    const questions = ['a film', 'a good film'].map((text, i) => ({ line: 7 + i, source: `sentence: ${text}` }))
    return await predictor.answer(0, questions)
  } finally {
    predictor.close()
  }
}

beforeAll(async () => {
  cpSync(await locateBackbone('t5-nano'), t5, { recursive: true })
  await training({ until: 2 }).catch((error) => expect(error).toBeInstanceOf(Interrupted))
  for (const name of ['run', 't5']) cpSync(path(name), path(`${name}.kept`), { recursive: true })
})
afterEach(() => {
  rmSync(other, { recursive: true, force: true })
  for (const name of ['run', 't5']) {
    rmSync(path(name), { recursive: true, force: true })
    cpSync(path(`${name}.kept`), path(name), { recursive: true })
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a backbone with one value that is not a number is refused by its file, tensor and place', () => {
  const query = 'encoder.block.1.layer.0.SelfAttention.q.weight' // [256, 256] in t5-nano
  const refusal = `${weights}: tensor ${query} holds NaN as its element 259, at [1, 3]; 1 of 65536 are NaN or infinite.`

  test.each([
    ['a dry run', () => dryRun(loadExperiment(file, [`backbone=${t5}`]), options)],
    ['a training', () => training({ runDir: other })],
    ['an evaluation', () => evaluated('generate')],
    ['a ranking', () => evaluated('rank')],
    ['a prediction', () => predicted('rank')],
    [
      'an export that holds the backbone',
      () =>
        exportRun(run, { format: 'saved-model', out: path('out'), force: true, allowChanged: true, progress: silent }),
    ],
  ])('by %s', async (_, work) => {
    changed(weights, query, (data) => data.fill(Number.NaN, 259, 260))
    await expect(work()).rejects.toThrow(refusal)
    expect(existsSync(path('out'))).toBe(false)
  })
})

describe('trained tensors with a value that is not a number are refused', () => {
  const up = 'encoder.1.feed_forward.up.s'
  const refusal = (file: string) => `${file}: tensor ${up} holds -Infinity as its element 1, at [0, 1, 0]; 1 of `

  test.each([
    ['an evaluation', () => evaluated('generate')],
    ['a prediction', () => predicted('generate')],
    ['an export', () => exportRun(run, { format: 'safetensors', out: path('out'), force: true, progress: silent })],
  ])('by %s', async (_, work) => {
    changed(best, up, (data) => data.fill(Number.NEGATIVE_INFINITY, 1, 2))
    await expect(work()).rejects.toThrow(refusal(best))
    expect(existsSync(path('out'))).toBe(false)
  })

  test('by an import', async () => {
    const out = path('adapters')
    await exportRun(run, { format: 'adapterhub', out, force: true, progress: silent })
    const adapter = join(out, 'adapter.safetensors')
    const theirs = openSafetensors(adapter)
    const name = [...theirs.entries.keys()].find((name) => name.endsWith('W_left'))!
    theirs.close()
    changed(adapter, name, (data) => data.fill(Number.NaN, 0, 1))
    await expect(importRun(out, { format: 'adapterhub', backbone: t5, runDir: other })).rejects.toThrow(
      `${adapter}: tensor ${name} holds NaN as its element 0, at [0, 0, 0]; 1 of `,
    )
    expect(existsSync(other)).toBe(false)
  })

  test('by training that continues', async () => {
    const state = join(run, 'checkpoint/state.safetensors')
    changed(state, 'second', (data) => data.fill(Number.POSITIVE_INFINITY, 2, 3))
    await expect(training({ resume: true })).rejects.toThrow(
      `${state}: tensor second holds Infinity as its element 2; 1 of `,
    )
  })
})

describe('finite weights whose products are too large', () => {
  /** Every query and key is a number; the product of two is none. */
  function tooLarge(): void {
    for (const part of ['q', 'k'])
      changed(weights, `encoder.block.0.layer.0.SelfAttention.${part}.weight`, (data) => {
        for (const [i, value] of data.entries()) data[i] = 1e25 * value
      })
  }

  test('rank nothing: the row is named', async () => {
    tooLarge()
    await expect(evaluated('rank')).rejects.toThrow(
      new RegExp(
        `^${path('test.jsonl')}:\\d+: the log-likelihood of "0" is NaN: the model's numbers overflow on this row\\. `,
      ),
    )
    await expect(predicted('rank')).rejects.toThrow(
      new RegExp(`^${run}, line [78] of the input: the log-likelihood of "0" is NaN: `),
    )
  })

  test('do not pass a dry run, and are not trained on', async () => {
    tooLarge()
    await expect(dryRun(loadExperiment(file, [`backbone=${t5}`]), options)).rejects.toThrow(
      new RegExp(`^${path('train.jsonl')}: a step on lines \\d+.* has a loss or gradient that is not a number\\. `),
    )
    await expect(training({ runDir: other })).rejects.toThrow(
      /at step 1 the loss is NaN and the gradient norm NaN; the rows are lines \d+/,
    )
    expect(existsSync(join(other, 'checkpoint/state.safetensors'))).toBe(true)
  })
})
