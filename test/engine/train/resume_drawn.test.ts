import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { Interrupted } from '../../../src/cli/interrupt.js'
import { train } from '../../../src/engine/train/train.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { trainable } from '../../../src/run/trainable.js'
import { smallExperiment } from '../../support/cli.js'
import { engines } from '../../support/engines.js'

const { folder, file } = smallExperiment({
  steps: 3,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 3,
  source_length: 16,
  learning_rate: 0.01,
})
afterAll(() => rmSync(folder, { recursive: true }))

const device = { engine: engines[0]!, threads: 1, progress: silent }

test.each([
  ['vera', ['method=vera', 'method.rank=8', 'method.dropout=0.2', 'method.projection_seed=3']],
  ['a drawn rule', ['method.learn_rule=false']],
])('%s: stopped and resumed, it is where a run that was never stopped is, to the bit', async (name, sets) => {
  const [whole, halves] = [join(folder, name, 'whole'), join(folder, name, 'halves')]
  const experiment = loadExperiment(file, sets)
  await train(experiment, { ...device, folder: whole, resume: false, interrupted: () => false })
  let asked = 0
  const stopped = { ...device, folder: halves, resume: false, interrupted: () => asked++ >= 2 }
  await expect(train(experiment, stopped)).rejects.toThrow(Interrupted)
  const again = trainable(halves, { sets: [], resume: true }).experiment
  await train(again, { ...device, folder: halves, resume: true, interrupted: () => false })
  const last = (run: string) => readFileSync(join(run, 'last.safetensors')).toString('hex')
  expect(last(halves)).toBe(last(whole))
})
