import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { trainable } from '../../src/run/trainable.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const { folder, file } = smallExperiment({ steps: 2, batch_size: 4, warmup_steps: 0, source_length: 16 })
const [all, best, whole] = [join(folder, 'all'), join(folder, 'best'), join(folder, 'whole')]
const device = { engine: engines[0]!, threads: 1, progress: silent, interrupted: () => false }
const begin = (run: string, ...sets: string[]) =>
  train(loadExperiment(file, sets), { ...device, folder: run, resume: false })
const goOn = async (run: string, ...set: string[]) =>
  train(trainable(run, { sets: set, resume: true }).experiment, { ...device, folder: run, resume: true })

const KEPT = ['best.safetensors', 'experiment.yaml', 'manifest.json', 'metrics.jsonl', 'predictions', 'result.json']
const read = (run: string) => readFileSync(join(run, 'best.safetensors')).toString('base64')

beforeAll(async () => {
  await begin(all)
  cpSync(all, whole, { recursive: true })
  await begin(best, 'training.keep=best')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a finished run leaves the last tensors and its checkpoint too by default, or the best ones alone', () => {
  expect(readdirSync(all).sort()).toEqual([...KEPT, 'checkpoint', 'last.safetensors'].sort())
  expect(readdirSync(best).sort()).toEqual(KEPT)
  expect(read(best)).toBe(read(all))
  expect(openTrainedRun(best).step).toBe(2)
})

test('what a kill has left between the result and its removal, the next --resume removes', async () => {
  const left = join(folder, 'left')
  cpSync(best, left, { recursive: true })
  mkdirSync(join(left, 'checkpoint'))
  cpSync(join(all, 'checkpoint', 'state.safetensors'), join(left, 'checkpoint', 'state.safetensors'))
  const result = readFileSync(join(left, 'result.json'), 'utf8')
  await goOn(left)
  expect(readdirSync(left).sort()).toEqual(KEPT)
  expect(readFileSync(join(left, 'result.json'), 'utf8')).toBe(result)
})

test('it cannot become longer, but another can start from it', async () => {
  await expect(goOn(best, 'training.steps=4')).rejects.toThrow(
    `to go on from: it was imported, or keeps only the best. Restore the checkpoint, or start a new run from its best tensors: --set training.start_from=${best} and --run-dir.`,
  )
  expect(readdirSync(best).sort()).toEqual(KEPT)
  await expect(begin(join(folder, 'from'), `training.start_from=${best}`)).resolves.toMatchObject({ steps: 2 })
})

test('a run that was kept whole becomes smaller with --resume', async () => {
  await goOn(all, 'training.keep=best')
  expect(readdirSync(all).sort()).toEqual(KEPT)
})

test('keep: best follows no link and keeps what others put next to the checkpoint, and says so', async () => {
  const notes: string[] = []
  const progress = { ...silent, note: (line: string) => void notes.push(line) }
  const resume = (run: string) =>
    train(trainable(run, { sets: ['training.keep=best'], resume: true }).experiment, {
      ...{ ...device, progress, folder: run, resume: true },
    })
  const [linked, mixed, away] = ['linked', 'mixed', 'away'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const run of [linked, mixed]) cpSync(whole, run, { recursive: true })
  renameSync(join(linked, 'checkpoint'), away)
  symlinkSync(away, join(linked, 'checkpoint'))
  await resume(linked)
  expect(readdirSync(away)).toEqual(['state.safetensors'])
  expect(readdirSync(linked)).toContain('last.safetensors')
  expect(notes.at(-1)).toBe('The last tensors and the checkpoint stay: checkpoint is a link.')
  writeFileSync(join(mixed, 'checkpoint', 'notes.txt'), 'mine')
  await resume(mixed)
  expect(readdirSync(mixed).sort()).toEqual([...KEPT, 'checkpoint'].sort())
  expect(readdirSync(join(mixed, 'checkpoint'))).toEqual(['notes.txt'])
  expect(notes.at(-1)).toBe('Training did not write checkpoint/notes.txt, so that stays.')
})
