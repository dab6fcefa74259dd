import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { locateBackbone } from '../../../src/backbone/files/locate.js'
import { silent } from '../../../src/base/progress.js'
import { openSafetensors, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'
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
const path = (...names: string[]) => join(folder, ...names)
const source = path('source')
const device = { engine: engines[0]!, threads: 1, progress: silent }
const from = [`training.start_from=${source}`, 'training.seed=7']

async function training(run: string, sets: string[], until = Number.POSITIVE_INFINITY) {
  let asked = 0
  const options = { ...device, folder: run, resume: false, interrupted: () => asked++ >= until }
  return train(loadExperiment(file, sets), options).catch((error) => {
    if (!(error instanceof Interrupted)) throw error
  })
}

const goOn = (run: string, set: string[] = []) =>
  train(trainable(run, { sets: set, resume: true }).experiment, {
    ...{ ...device, folder: run, resume: true, interrupted: () => false },
  })

const json = (name: string) => JSON.parse(readFileSync(name, 'utf8'))
const sha256 = (name: string) => createHash('sha256').update(readFileSync(name)).digest('hex')

function tensorsOf(name: string) {
  const opened = openSafetensors(name)
  const tensors = [...opened.entries.keys()].map((name) => [name, [...opened.read(name)]] as const)
  opened.close()
  return tensors
}

beforeAll(() => training(source, []))
afterAll(() => rmSync(folder, { recursive: true }))

test('a training starts from the trained tensors of another run, and notes which', async () => {
  const run = path('warm')
  const result = await training(run, [...from, 'training.steps=1']) // its one step has the rate 0
  const best = join(source, 'best.safetensors')
  expect(tensorsOf(join(run, 'last.safetensors'))).toEqual(tensorsOf(best))
  expect(json(join(run, 'manifest.json')).start).toEqual({ run: source, step: 3, trained_sha256: sha256(best) })
  expect(result).not.toHaveProperty('own_tensors_moved_answers')
})

test('one that continues no longer needs that run, and ends with the same bits', async () => {
  const [whole, stopped, gone] = [path('whole'), path('stopped'), path('gone')]
  cpSync(source, gone, { recursive: true })
  const sets = [`training.start_from=${gone}`, 'training.seed=7']
  await training(whole, sets)
  expect(await training(stopped, sets, 2)).toBeUndefined()
  rmSync(gone, { recursive: true })
  await goOn(stopped)
  const last = (run: string) => readFileSync(join(run, 'last.safetensors')).toString('base64')
  expect(last(stopped)).toBe(last(whole))
  expect(json(join(stopped, 'manifest.json')).start).toEqual(json(join(whole, 'manifest.json')).start)
  // the same tensors
  await expect(goOn(stopped, [`training.start_from=${source}`])).resolves.toMatchObject({ steps: 3 })
  await expect(goOn(stopped, ['training.start_from=null'])).rejects.toThrow(
    /the run was started with another training\.start_from \(.*gone, SHA-256 [0-9a-f]{12}… then, none now\)\./,
  )
})

test('other names or shapes are refused, both listed, and no run is begun', async () => {
  const at = `training.start_from ${source}: has other trained tensors: `
  await expect(training(path('n2'), [...from, 'method.n=2'])).rejects.toThrow(
    `${at}rule is [4,4,4] there, [2,2,2] here; `,
  )
  // biome-ignore format: one line
  await expect(training(path('bitfit'), [...from, 'method=bitfit'])).rejects.toThrow(/is not there, \[\d+\] here; .* and \d+ more\. Start from a run of the same method/)
  await expect(training(path('none'), ['training.start_from=nowhere'])).rejects.toThrow('there is no such folder')
  expect(() => readFileSync(path('n2', 'experiment.yaml'))).toThrow('ENOENT')
})

test('another backbone is refused', async () => {
  const t5 = path('t5')
  cpSync(await locateBackbone('t5-nano'), t5, { recursive: true })
  const weights = join(t5, 'model.safetensors')
  const before = openSafetensors(weights)
  const entries = [...before.entries.values()]
  const tensors = entries.map(({ name, shape }) => [name, { shape, data: before.read(name) }] as const)
  before.close()
  tensors[0]![1].data[0]! += 0.5
  writeSafetensors(weights, tensors, before.metadata)
  await expect(training(path('other'), [...from, `backbone=${t5}`])).rejects.toThrow(
    `those in ${t5} have ${sha256(weights).slice(0, 12)}…. Start from a run of the same backbone.`,
  )
})

test('with random values that are not trained, the seed has to be that of the other run', async () => {
  const fixed = path('fixed')
  await training(fixed, ['method.learn_rule=false', 'training.steps=1'])
  const sets = [`training.start_from=${fixed}`, 'method.learn_rule=false', 'training.steps=1']
  await expect(training(path('seed'), [...sets, 'training.seed=7'])).rejects.toThrow(
    'has the seed 42, not 7; compacter has random values that are not trained, which have to be the same. Set training.seed to 42.',
  )
  expect(await training(path('seed'), sets)).toMatchObject({ steps: 1 })
})

test('with projections that have a seed of their own, that seed has to be the same, and the other one need not', async () => {
  const vera = path('vera')
  const small = ['method=vera', 'method.rank=4', 'training.steps=1']
  await training(vera, [...small, 'method.projection_seed=3'])
  const sets = [...small, `training.start_from=${vera}`, 'training.seed=7']
  await expect(training(path('projections'), sets)).rejects.toThrow(
    'has other options of its method; vera has random values that are not trained, which have to be the same. Its method: {"kind":"vera","rank":4',
  )
  expect(await training(path('projections'), [...sets, 'method.projection_seed=3'])).toMatchObject({ steps: 1 })
})
