import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashFiles } from '../../src/base/files/hash.js'
import { silent } from '../../src/base/progress.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { compareRuns } from '../../src/compare/compare.js'
import { evaluateAndWrite } from '../../src/engine/evaluate/evaluate_and_write.js'
import { readPredictedWith } from '../../src/engine/evaluate/predictions.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { runFiles } from '../../src/run/directory.js'
import { readManifest, readResult } from '../../src/run/records.js'
import { smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const { folder, file } = smallExperiment({
  ...{ steps: 4, batch_size: 4, warmup_steps: 0, learning_rate: 0.03, source_length: 32 },
  ...{ evaluate_every: 2, checkpoint_every: 1, evaluation_rows: 12 },
})
const device = { engine: engines[0]!, threads: 1, progress: silent }
const files = runFiles(join(folder, 'run'))
const experiment = loadExperiment(file)
const begin = (run: string, resume: boolean, interrupted = () => false) =>
  train(experiment, { ...device, folder: run, resume, interrupted })
const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

beforeAll(() => begin(files.folder, false))
afterAll(() => rmSync(folder, { recursive: true }))

test('a finished run has the answers that eval finds with its best checkpoint', async () => {
  const again = join(folder, 'again.jsonl')
  const options = { ...device, split: 'test', sets: [], allowChanged: false, predictions: again, force: false } as const
  const { evaluated } = await evaluateAndWrite([files.folder], options)
  expect(readFileSync(files.testPredictions, 'utf8')).toBe(readFileSync(again, 'utf8'))
  expect(readResult(files)!.test).toEqual(evaluated[0]!.scores)
  expect(lines(files.testPredictions)).toHaveLength(20)
  expect(lines(files.validationPredictions)).toHaveLength(12) // the rows of the evaluations
})

test('they say which tensors, rows and labels they were made with', () => {
  const { data_sha256, backbone_sha256, tokenizer_sha256 } = readManifest(files)!
  for (const split of ['validation', 'test'] as const) {
    const predictions = files[`${split}Predictions`]
    const { predictions_sha256, split: noted, runs } = readPredictedWith(predictions)!
    expect(predictions_sha256).toBe(hashFiles([predictions]))
    expect(noted).toBe(split)
    expect(runs).toEqual([
      {
        run: files.folder,
        trained_sha256: hashFiles([files.best]),
        ...{ backbone_sha256, tokenizer_sha256 },
        data_sha256: { [split]: data_sha256[split] },
        precision: 'float32',
        rows: split === 'test' ? 20 : 12,
        classes: { labels: ['0', '1'], positive: '1' },
      },
    ])
  }
})

test('a run that was stopped after its best evaluation, and resumed, has the same answers', async () => {
  const stopped = runFiles(join(folder, 'stopped'))
  let asked = 0
  const stop = () => existsSync(stopped.best) && asked++ > 0
  await expect(begin(stopped.folder, false, stop)).rejects.toThrow(Interrupted)
  expect(existsSync(stopped.testPredictions)).toBe(false)
  await begin(stopped.folder, true)
  for (const name of ['validationPredictions', 'testPredictions'] as const)
    expect(readFileSync(stopped[name], 'utf8')).toBe(readFileSync(files[name], 'utf8'))
})

test('a result that was lost is made again with its answers', async () => {
  const lost = runFiles(join(folder, 'lost'))
  cpSync(files.folder, lost.folder, { recursive: true })
  for (const path of [lost.result, lost.validationPredictions, lost.testPredictions]) rmSync(path)
  await begin(lost.folder, true) // nothing is left to train: the best evaluation is known by its score alone
  for (const name of ['validationPredictions', 'testPredictions'] as const)
    expect(readFileSync(lost[name], 'utf8')).toBe(readFileSync(files[name], 'utf8'))
})

test('compare scores them as the result does', () => {
  const runs = [files.folder, join(folder, 'stopped')]
  for (const split of ['validation', 'test'] as const) {
    const { rows, methods, comparisons } = compareRuns(runs, { split, level: 0.95, by: 'run' })
    expect(rows).toBe(split === 'test' ? 20 : 12)
    for (const { scores } of methods) expect(scores.accuracy![0]).toBeCloseTo(readResult(files)![split].accuracy!, 9)
    expect(comparisons[0]).toMatchObject({ difference: 0, interval: [0, 0], p: 1, verdict: 'none' })
  }
})
