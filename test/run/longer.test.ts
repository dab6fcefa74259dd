import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Progress, silent } from '../../src/base/progress.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import type { Override } from '../../src/experiment/overrides.js'
import { setsOf } from '../../src/experiment/short_forms.js'
import { runExperiment } from '../../src/run/experiment.js'
import { trainable } from '../../src/run/trainable.js'
import { smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const { folder, file } = smallExperiment({
  steps: 6,
  batch_size: 4,
  warmup_steps: 2,
  evaluate_every: 3,
  schedule: 'constant',
  source_length: 16,
})
const device = { engine: engines[0]!, threads: 1 }
const path = (...names: string[]) => join(folder, ...names)
const json = (name: string) => JSON.parse(readFileSync(name, 'utf8'))
const lines = (run: string) => readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n')

let notes: string[] = []
const heard: Progress = { ...silent, note: (text) => notes.push(text) }

/** Trains a new run; undefined where it is interrupted after so many questions. */
const begin = (run: string, sets: string[] = [], until = Number.POSITIVE_INFINITY) =>
  stopping(until, (interrupted) =>
    train(loadExperiment(file, sets), { ...device, folder: run, resume: false, progress: heard, interrupted }),
  )

/** As `compacter train --resume RUN --set …`. */
const goOn = async (run: string, set: (string | Override)[] = [], until = Number.POSITIVE_INFINITY) =>
  stopping(until, (interrupted) => {
    const { experiment } = trainable(run, { sets: set, resume: true })
    return train(experiment, { ...device, folder: run, resume: true, progress: heard, interrupted })
  })

async function stopping<T>(until: number, work: (interrupted: () => boolean) => Promise<T>): Promise<T | undefined> {
  notes = []
  let asked = 0
  try {
    return await work(() => asked++ >= until)
  } catch (error) {
    if (error instanceof Interrupted) return undefined
    throw error
  }
}

/** A copy of a run, to do something to. */
function copied(run: string, name: string): string {
  cpSync(run, path(name), { recursive: true })
  return path(name)
}

const [six, twelve] = [path('six'), path('twelve')]
beforeAll(async () => {
  await begin(six)
  await begin(twelve, ['training.steps=12'])
})
afterAll(() => rmSync(folder, { recursive: true }))

/** All of a run but clock, memory and the manifest. */
const outcome = (run: string) => ({
  tensors: ['last', 'best'].map((name) => readFileSync(join(run, `${name}.safetensors`)).toString('base64')),
  metrics: lines(run),
  result: { ...json(join(run, 'result.json')), seconds: 0, step_seconds: 0, peak_memory_bytes: 0 },
})

test('a finished run of 6 steps continued to 12 ends, at a constant rate, with the bits of a run of 12', async () => {
  const run = copied(six, 'longer')
  await goOn(run, ['training.steps=12'])
  expect(outcome(run)).toEqual(outcome(twelve))
  expect(runExperiment(join(run, 'experiment.yaml')).training).toMatchObject({ steps: 12, warmup_steps: 2 })
  expect(json(join(run, 'manifest.json')).changes).toEqual([
    { step: 6, data_sha256: {}, training: { steps: { from: 6, to: 12 } }, planned_steps: { from: 6, to: 12 } },
  ])
  expect(notes).toContain('The run goes on to step 12; it was to end at step 6.')
})

test('one that is stopped on its way there continues without --set, to the same bits, and its change is noted once', async () => {
  const run = copied(six, 'stopped')
  expect(await goOn(run, ['training.steps=12'], 3)).toBeUndefined()
  expect(existsSync(join(run, 'result.json'))).toBe(false)
  await goOn(run)
  expect(outcome(run)).toEqual(outcome(twelve))
  expect(json(join(run, 'manifest.json')).changes.length).toBe(1)
})

test('a run that was stopped before its end may become longer too, by epochs; the steps it took keep their warm-up', async () => {
  const run = path('epochs')
  const epochs = ['training.steps=null', 'training.epochs=1', 'training.batch_size=16', 'training.warmup_steps=0.25']
  expect(await begin(run, [...epochs, 'training.schedule=linear'], 2)).toBeUndefined()
  const result = await goOn(run, setsOf({ epochs: '2' }))
  expect(result?.steps).toBe(8)
  const rates = lines(run).flatMap((line) => JSON.parse(line).learning_rate ?? [])
  const peak = loadExperiment(file).training.learning_rate
  // warm-up of 1 step; 2 steps of a run of 4, then those of a run of 8
  const linear = (step: number, steps: number) => (peak * (steps - step)) / (steps - 1)
  const wanted = [0, linear(1, 4), ...[2, 3, 4, 5, 6, 7].map((step) => linear(step, 8))]
  for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(wanted[i]!, 12)
  expect(json(join(run, 'manifest.json')).changes).toEqual([
    { step: 2, data_sha256: {}, training: { epochs: { from: 1, to: 2 } }, planned_steps: { from: 4, to: 8 } },
  ])
  expect(notes).toContain(
    'The run goes on to step 8; it was to end at step 4. From step 3 on the learning rate (linear) is that of a run of 8 steps; the steps before had that of 4.',
  )
})

test('training.steps replaces epochs, and the experiment’s own file works as well as the run’s folder', async () => {
  const run = path('by-file')
  const sets = ['training.steps=null', 'training.epochs=1', 'training.batch_size=16']
  await begin(run, sets)
  expect(trainable(run, { sets: ['training.steps=6'], resume: true }).experiment.training).toMatchObject({ steps: 6 })
  const longer = loadExperiment(file, [...sets, 'training.epochs=null', 'training.steps=6'])
  const progress = heard
  await train(longer, { ...device, folder: run, resume: true, progress, interrupted: () => false })
  expect(json(join(run, 'result.json')).steps).toBe(6)
  expect(json(join(run, 'manifest.json')).changes[0].training).toEqual({
    epochs: { from: 1, to: null },
    steps: { from: null, to: 6 },
  })
})

test('a run whose patience is used up continues only with more of it', async () => {
  const run = path('patient')
  await begin(run, ['training.learning_rate=1e-12', 'training.steps=30', 'training.patience=1'])
  expect(json(join(run, 'result.json'))).toMatchObject({ steps: 6, planned_steps: 30 })
  expect((await goOn(run))?.steps).toBe(6)
  await expect(goOn(run, ['training.steps=40'])).rejects.toThrow(
    `${run}: its last 1 evaluations brought no better score, so with training.patience 1 it would end at once. Be more patient: --set training.patience=2 or more, or null for no end before the last step.`,
  )
  const result = await goOn(run, ['training.patience=2'])
  expect(result).toMatchObject({ steps: 9, planned_steps: 30 })
  expect(json(join(run, 'manifest.json')).changes).toEqual([
    { step: 6, data_sha256: {}, training: { patience: { from: 1, to: 2 } } },
  ])
})

test.each([
  [
    'training.steps=5',
    'the run was started with 6 steps; 5 are fewer, and a run can only become longer. Set training.steps to more than 6, or start a new run with --run-dir.',
  ],
  [
    'training.seed=1',
    'the run was started with another training.seed (42 then, 1 now). Resume with the same values, or start a new run with --run-dir.',
  ],
  ['method.n=2', 'the run was started with another method.n (4 then, 2 now). Resume with the same values,'],
])('%s is refused, and nothing is touched', async (set, message) => {
  const before = outcome(six)
  await expect(goOn(six, [set])).rejects.toThrow(`${join(six, 'experiment.yaml')}: ${message}`)
  expect(outcome(six)).toEqual(before)
})

test('without its checkpoint a finished run is not begun again from its first step', async () => {
  const run = copied(six, 'no-checkpoint')
  rmSync(join(run, 'checkpoint'), { recursive: true })
  const before = outcome(run)
  await expect(goOn(run, ['training.steps=12'])).rejects.toThrow(
    `${run}: has trained tensors, but no ${join(run, 'checkpoint', 'state.safetensors')} to go on from`,
  )
  expect(outcome(run)).toEqual(before)
})

test('a cell of a sweep stays as long as its sweep says', async () => {
  const sweep = path('sweep')
  mkdirSync(sweep)
  const cell = copied(six, 'sweep/cell')
  const experiment = { ...runExperiment(join(six, 'experiment.yaml')) }
  const cells = [{ name: basename(cell), axes: {}, experiment }]
  writeFileSync(join(sweep, 'cells.json'), JSON.stringify({ name: 'sweep', axes: [], slurm: {}, cells }))
  await expect(goOn(cell, ['training.steps=12'])).rejects.toThrow(
    `${cell}: is a cell of the sweep ${sweep}, whose cells are compared`,
  )
  expect((await goOn(cell))?.steps).toBe(6)
})

test('a run’s folder is distinguished from an experiment', () => {
  expect(() => trainable(six, { resume: false })).toThrow(
    `${six}: is the folder of a run. Go on with it: compacter train --resume ${six}.`,
  )
  expect(() => trainable(six, { resume: true, folder: twelve })).toThrow(
    `there are two folders to go on in: ${six} and --run-dir ${twelve}. Name one of them.`,
  )
  expect(() => trainable(folder, { resume: true })).toThrow(`${folder}: is not a run: it has no experiment.yaml`)
})
