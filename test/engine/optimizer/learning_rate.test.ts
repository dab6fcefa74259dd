import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { learningRate, warmupInForce } from '../../../src/engine/optimizer/learning_rate.js'
import { closeAll, prepare } from '../../../src/engine/train/prepared.js'
import { experimentYaml, loadExperiment } from '../../../src/experiment/load/load.js'
import { beginRun, runFiles, writeJson } from '../../../src/run/directory.js'
import { prepareFolder } from '../../../src/sweep/run/prepare.js'
import { smallExperiment } from '../../support/cli.js'

// expected: get_linear_schedule_with_warmup of transformers 5.18, rates 1.0: schedule.get_last_lr() before each step
test('rates are those of the transformers library, where the warm-up is the whole run too', () => {
  const rates = (warmup: number, steps: number) =>
    Array.from({ length: steps }, (_, step) => learningRate(step, { peak: 1, warmup, steps }))
  expect(rates(5, 8)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1, 2 / 3, 1 / 3])
  const whole = rates(500, 500)
  expect([whole[0], whole[1], whole.at(-1)]).toEqual([0, 0.002, 0.998])
  expect(whole.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(249.5, 6)
})

// expected: get_cosine_schedule_with_warmup and get_constant_schedule_with_warmup of transformers 5.18
test.each([
  ['cosine', [0, 1 / 3, 2 / 3, 1, 0.9045084971874737, 0.6545084971874737, 0.34549150281252633, 0.09549150281252633]],
  ['constant', [0, 1 / 3, 2 / 3, 1, 1, 1, 1, 1]],
] as const)('rates of the schedule %s are those of the transformers library', (name, expected) => {
  for (const [step, rate] of expected.entries())
    expect(learningRate(step, { name, peak: 1, warmup: 3, steps: 8 })).toBeCloseTo(rate, 14)
})

test.each([
  [0.1, 400, 40],
  [0.1, 32, 4],
  [0.06, 100, 6],
  [500, 500, 500], // RTE in the paper: 2490 rows, 20 epochs of 25 steps
  [500, 660, 500], // MRPC: 33 steps an epoch
  [500, 1000, 500],
  [500, 499, 249],
  [500, 60, 30], // CB: 250 rows, 20 epochs of 3 steps
  [1, 1, 1],
  [2, 1, 0],
  [0, 1, 0],
])('a warm-up of %i in a run of %i steps is %i', (asked, steps, inForce) => {
  expect(warmupInForce(asked, steps)).toBe(inForce)
})

test.each([
  ['training.warmup_steps=32', 32, []],
  ['training.warmup_steps=17', 17, []],
  ['training.warmup_steps=33', 16, ["Warm-up shortened from 33 steps, more than the run's 32, to 16, half of it."]],
])('a training of 32 steps with %s warms up for %i', async (set, expected, said) => {
  const { file } = smallExperiment({ epochs: 2, batch_size: 4 })
  const notes: string[] = []
  const prepared = await prepare(loadExperiment(file, [set]), { ...silent, note: (text) => notes.push(text) })
  closeAll(prepared)
  expect([prepared.steps, prepared.experiment.training.warmup_steps]).toEqual([32, expected])
  expect(notes).toEqual(said)
})

/** Whether a sweep takes a run of its cell, with a warm-up that was in force, as its own. */
function takes(sets: string[], inForce: number, steps?: number): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sweep-'))
  const experiment = loadExperiment('quickstart', ['training.warmup_steps=500', ...sets])
  const files = runFiles(join(folder, 'cell'))
  const training = { ...experiment.training, warmup_steps: inForce, evaluate_every: 7, target_length: 3, dropout: 0.1 }
  beginRun(files, experimentYaml({ ...experiment, training }))
  const counts = { best_step: 1, seconds: 1, peak_memory_bytes: 1, trained_parameters: 1, backbone_parameters: 1 }
  const result = { validation: {}, test: {}, ...counts, share_percent: 1 }
  if (steps !== undefined) writeJson(files.result, { ...result, steps })
  const cells = [
    { name: 'cell', axes: {}, experiment: { ...experiment, training: { ...training, warmup_steps: 500 } } },
  ]
  try {
    prepareFolder(folder, { name: 'one', axes: [], slurm: {}, cells }, '', { flag: '--dir', keep: false })
    return true
  } catch (error) {
    expect((error as Error).message).toContain('was trained by another experiment, or by this one with other values.')
    return false
  }
}

test('a sweep knows its own cells, whether their warm-up was shortened or not', () => {
  const epochs = ['training.steps=null', 'training.epochs=2']
  expect(takes(['training.steps=600'], 500)).toBe(true)
  expect(takes(['training.steps=600'], 300)).toBe(false)
  expect(takes(['training.steps=500'], 500)).toBe(true)
  expect(takes(['training.steps=400'], 200)).toBe(true)
  expect(takes(epochs, 267, 534)).toBe(false)
  expect(takes(epochs, 500, 534)).toBe(true)
  expect(takes(epochs, 10, 20)).toBe(true)
  expect(takes(epochs, 10)).toBe(true) // not finished: `train --resume` compares
})
