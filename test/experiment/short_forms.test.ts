import { describe, expect, test } from 'vitest'
import Run from '../../commands/sweep/run.js'
import Train from '../../commands/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { setsOf } from '../../src/experiment/short_forms.js'
import { loadSweep } from '../../src/sweep/plan/load.js'

const trained = (flags: Parameters<typeof setsOf>[0]) => loadExperiment('quickstart', setsOf(flags)).training

test('short forms set the keys that they abbreviate', () => {
  const training = trained({
    seed: '7',
    lr: '3e-3',
    'batch-size': '8',
    steps: '20',
    set: ['training.warmup_steps=0.1'],
  })
  expect(training).toMatchObject({ seed: 7, learning_rate: 0.003, batch_size: 8, steps: 20, warmup_steps: 0.1 })
})

test('a batch size may be auto, as in the file', () => {
  expect(trained({ 'batch-size': 'auto' }).batch_size).toBe('auto')
})

test('a length in epochs replaces one in steps, and the other way round', () => {
  const { epochs, steps } = trained({ epochs: '3' })
  expect({ epochs, steps }).toEqual({ epochs: 3, steps: undefined })
  const inSteps = trained({ set: ['training.batch_size=4'], steps: '9' })
  expect([inSteps.epochs, inSteps.steps]).toEqual([undefined, 9])
})

describe('errors name the flag that was typed', () => {
  test.each([
    [{ lr: '-1' }, '--lr -1: training.learning_rate is -1; it must be above 0.'],
    [{ steps: '0' }, '--steps 0: training.steps is 0; it must be at least 1.'],
    [
      { 'batch-size': 'many' },
      '--batch-size many: training.batch_size is "many"; it must be a whole number of at least 1, or auto.',
    ],
    [{ seed: '[' }, expect.stringContaining('--seed [: the value is not valid YAML')],
  ])('%j', (flags, message) => {
    expect(() => trained(flags)).toThrow(expect.objectContaining({ message, exitCode: 2 }))
  })

  test.each([
    [
      { lr: '0.1', set: ['training.learning_rate=0.2'] },
      '--lr 0.1: sets training.learning_rate, and --set training.learning_rate=0.2 is given too. Keep one of the two.',
    ],
    [
      { steps: '5', set: ['training.epochs=2'] },
      '--steps 5: sets training.steps, and --set training.epochs=2 is given too. Keep one of the two.',
    ],
  ])('twice: %j', (flags, message) => {
    expect(() => trained(flags)).toThrow(expect.objectContaining({ message, exitCode: 2 }))
  })
})

test('a sweep takes them for all cells, and refuses one that it varies itself', () => {
  const sweep = loadSweep('quick', setsOf({ steps: '7' }))
  expect(sweep.cells.map(({ experiment }) => experiment.training.steps)).toEqual(sweep.cells.map(() => 7))
  expect(() => loadSweep('quick', setsOf({ seed: '3' }))).toThrow(
    "--seed 3: is replaced by the sweep's values of training.seed. Keep one of the two.",
  )
})

test('train and sweep run have them as flags', () => {
  for (const { flags } of [Train, Run])
    expect(flags).toMatchObject({ seed: {}, lr: {}, steps: {}, epochs: {}, 'batch-size': {}, quiet: { char: 'q' } })
})
