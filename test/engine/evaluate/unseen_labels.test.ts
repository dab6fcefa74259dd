import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashFiles } from '../../../src/base/files/hash.js'
import { type Progress, silent } from '../../../src/base/progress.js'
import { evaluateRuns } from '../../../src/engine/evaluate/evaluate_run.js'
import { backboneHash, openTrainedRun } from '../../../src/run/trained_run.js'
import { makeRun } from '../../export/made_run.js'
import { smallExperiment } from '../../support/cli.js'
import { engines } from '../../support/engines.js'
import { perfect, scored } from '../../support/scripted.js'

const { folder: data, file: experiment } = smallExperiment({ steps: 2 })
const outside = mkdtempSync(join(tmpdir(), 'unseen-'))
const run = join(outside, 'run')
const own = ['train', 'validation', 'test'].map((split) => `task.${split}=${join(data, `${split}.jsonl`)}`)
beforeAll(async () => {
  await makeRun(run, 'method=bitfit', 'training.target_length=4', ...own)
})
afterAll(() => {
  for (const folder of [outside, data]) rmSync(folder, { recursive: true })
})

const fileOf = (name: string, labels: (string | number)[]) => {
  const file = join(outside, name)
  writeFileSync(file, labels.map((label, i) => `${JSON.stringify({ text: `film ${i}`, label })}\n`).join(''))
  return file
}

async function warned(given: { task?: string; sets?: string[] }, folder = run): Promise<string[]> {
  const warnings: string[] = []
  const progress: Progress = { ...silent, warn: (text) => void warnings.push(text) }
  const options = { sets: [], allowChanged: false, split: 'test', scoring: 'rank', ...given } as const
  await evaluateRuns([folder], { ...options, engine: engines[0]!, threads: 1, progress })
  return warnings
}

const warning = (file: string, found: string) =>
  `${file}: ${found} the run was never trained on; it was trained on '0', '1'. Such rows are hardly ever answered right. Where the labels mean the same, write them as in the training, or score with --task EXPERIMENT, whose task.labels says which is which.`

describe('eval warns of rows with labels that the run was never trained on', () => {
  const words = fileOf('words.jsonl', ['good', 'bad', 'good'])
  test.each([
    ['--task FILE', { task: words }],
    ['--set task.test=FILE', { sets: [`task.test=${words}`] }],
  ])('of %s', async (_, given) => {
    expect(await warned(given)).toEqual([warning(words, "3 of 3 rows have a label ('bad', 'good') that")])
  })

  test('one of them among others, and of many the first five', async () => {
    const one = fileOf('one.jsonl', [0, 1, 'good'])
    const many = fileOf('many.jsonl', [1, 'a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect(await warned({ task: one })).toEqual([warning(one, "1 of 3 rows has a label ('good') that")])
    expect(await warned({ task: many })).toEqual([
      warning(many, "7 of 8 rows have a label ('a', 'b', 'c', 'd', 'e' and 2 more) that"),
    ])
  })

  test('of another task, but not of one whose labels become those of the training', async () => {
    const other = (name: string, labels: object) => {
      const { task, ...rest } = JSON.parse(readFileSync(experiment, 'utf8'))
      const files = { train: words, validation: words, test: words }
      writeFileSync(join(outside, name), JSON.stringify({ ...rest, task: { ...task, ...files, ...labels } }))
      return join(outside, name)
    }
    expect(await warned({ task: other('other.yaml', {}) })).toEqual([
      warning(words, "3 of 3 rows have a label ('bad', 'good') that"),
    ])
    expect(await warned({ task: other('mapped.yaml', { labels: { bad: '0', good: '1' } }) })).toEqual([])
  })

  test('of no rows or labels of its own', async () => {
    expect(await warned({ task: fileOf('known.jsonl', ['0', 1]) })).toEqual([])
    expect(await warned({})).toEqual([])
  })
})

test('eval warns of rows that the run was trained on', async () => {
  const train = join(data, 'train.jsonl')
  const sha256 = Object.fromEntries(
    ['train', 'test'].map((split) => [split, hashFiles([join(data, `${split}.jsonl`)])]),
  )
  const trained = join(outside, 'noted')
  await makeRun(trained, 'method=bitfit', 'training.target_length=4', ...own)
  const manifest = {
    ...{ compacter: '0.1.0', node: 'v20', platform: 'linux', trained_parameters: 1, backbone_parameters: 1 },
    ...{ backbone_sha256: await backboneHash(openTrainedRun(trained)), data_sha256: sha256 },
  }
  writeFileSync(join(trained, 'manifest.json'), JSON.stringify(manifest))
  const copy = join(outside, 'copy.jsonl')
  copyFileSync(train, copy)
  const told = (file: string) =>
    `The rows of ${file} include rows that the model is trained on: their score says nothing of new rows.`
  expect(await warned({ task: copy }, trained)).toEqual([told(copy)])
  expect(await warned({ sets: [`task.test=${copy}`] }, trained)).toEqual([told(copy)])
  expect(await warned({}, trained)).toEqual([])
})

describe('training warns of rows with labels that no training row has', () => {
  const rows = (...labels: string[]) => labels.map((label, i) => ({ text: `row ${i}`, label }))
  const notesOf = async (train: object[], validation: object[], more: { test?: object[] } = {}) =>
    // biome-ignore format: one line
    (await scored(outside, perfect, {}, validation, { train, ...more })).notes.filter((text) => /trained|training row/.test(text))

  test('of each split', async () => {
    const notes = await notesOf(rows('a', 'b'), rows('a', 'c', 'c'), { test: rows('a', 'd', 'e') })
    expect(notes).toEqual([
      "validation: 2 of 3 rows have a label ('c') that no training row has; those have 'a', 'b'. Such rows are hardly ever answered right.",
      "test: 2 of 3 rows have a label ('d', 'e') that no training row has; those have 'a', 'b'. Such rows are hardly ever answered right.",
    ])
  })

  test('of no label that training has', async () => {
    expect(await notesOf(rows('a', 'b', 'c'), rows('a', 'c'))).toEqual([])
  })
})
