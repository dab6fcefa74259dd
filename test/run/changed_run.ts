import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { type Progress, silent } from '../../src/base/progress.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'
import { stopAfter } from '../support/stop_after.js'

const { folder, file } = smallExperiment({
  steps: 6,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 2,
  source_length: 64,
})
export const path = (...names: string[]) => join(folder, ...names)
export const [run, t5] = [path('run'), path('t5')]
export const weights = join(t5, 'model.safetensors')
export const device = { engine: engines[0]!, threads: 1 }
const sets = [`backbone=${t5}`, 'method=compacter']

export const sha256 = (name: string) => createHash('sha256').update(readFileSync(name)).digest('hex')
export const short = (name: string) => `${sha256(name).slice(0, 12)}…`
export const manifest = () => JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8'))

/** Trains, or resumes, until it is interrupted after so many steps more, or to its end. */
export async function training(
  options: { resume?: boolean; allowChanged?: boolean; until?: number; sets?: string[] } = {},
) {
  const { resume = true, until = Number.POSITIVE_INFINITY, allowChanged } = options
  const experiment = loadExperiment(file, [...sets, ...(options.sets ?? [])])
  const interrupted = stopAfter(run, until)
  return train(experiment, { ...device, folder: run, resume, allowChanged, progress: heard, interrupted }).catch(
    (error) => {
      if (!(error instanceof Interrupted)) throw error
    },
  )
}

export let warnings: string[] = []
export let notes: string[] = []
export const heard: Progress = { ...silent, warn: (text) => warnings.push(text), note: (text) => notes.push(text) }

/** One value of a file of tensors is another: the same size, names and shapes. */
export function otherWeights(file = weights): void {
  const before = openSafetensors(file)
  const tensors = [...before.entries.values()].map(
    ({ name, shape }) => [name, { shape, data: before.read(name) }] as const,
  )
  before.close()
  tensors[0]![1].data[0]! += 0.5
  writeSafetensors(file, tensors, before.metadata)
}

beforeAll(async () => {
  cpSync(await locateBackbone('t5-nano'), t5, { recursive: true })
  await training({ resume: false, until: 3 })
  for (const name of ['run', 't5']) cpSync(path(name), path(`${name}.kept`), { recursive: true })
  for (const split of ['train', 'validation', 'test']) cpSync(path(`${split}.jsonl`), path(`${split}.kept`))
})
afterEach(() => {
  warnings = []
  notes = []
  for (const name of ['run', 't5']) {
    rmSync(path(name), { recursive: true, force: true })
    cpSync(path(`${name}.kept`), path(name), { recursive: true })
  }
  for (const split of ['train', 'validation', 'test']) cpSync(path(`${split}.kept`), path(`${split}.jsonl`))
})
afterAll(() => rmSync(folder, { recursive: true }))

export const ROW = '{"text": "a row more", "label": 1}\n'
export const GO_ON = 'or go on with what is here: --allow-changed.'
