import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hashFiles } from '../../src/base/files/hash.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { experimentYaml } from '../../src/experiment/load/load.js'
import { storedPlaces } from '../../src/experiment/places.js'
import { notedBackbone } from '../../src/run/made_with.js'
import { withBackbone } from '../../src/run/trained_run.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { checkUnchanged } from '../../src/sweep/plan/unchanged.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { newFolder, writeRun } from '../report/runs.js'

const SPLITS = ['train', 'validation', 'test']
const DATA = join(packageRoot, 'configs/tasks/rotten-tomatoes')

/** A sweep of two finished cells on rows of the user's own, next to it. */
async function project() {
  const home = newFolder()
  mkdirSync(join(home, 'data'))
  for (const split of SPLITS) cpSync(join(DATA, `${split}.jsonl`), join(home, 'data', `${split}.jsonl`))
  const sets = SPLITS.map((split) => `  task.${split}: data/${split}.jsonl\n`).join('')
  const file = join(home, 'trial.yaml')
  writeFileSync(
    file,
    `experiment: quickstart\nset:\n  training.warmup_steps: 5\n${sets}axes:\n  training.seed: [1, 2]\n`,
  )
  const backbone = await withBackbone('t5-nano', silent, notedBackbone)
  const rows = Object.fromEntries(SPLITS.map((split) => [split, hashFiles([join(DATA, `${split}.jsonl`)])]))
  for (const { name, experiment } of loadSweep(file).cells) {
    const run = writeRun(join(home, 'runs', name), { manifest: { ...backbone, data_sha256: rows } })
    writeFileSync(join(run, 'experiment.yaml'), experimentYaml(storedPlaces(experiment, run)))
  }
  return home
}

/** What `sweep run` does before it trains. */
async function run(home: string, allowChanged = false) {
  const warnings: string[] = []
  const { name, axes, slurm, cells, yaml } = loadSweep(join(home, 'trial.yaml'))
  const progress = { ...silent, warn: (text: string) => warnings.push(text) }
  await checkUnchanged(join(home, 'runs'), cells, { flag: '--dir', allowChanged, progress })
  prepareFolder(join(home, 'runs'), { name, axes, slurm, cells }, yaml, { flag: '--dir', keep: false })
  return warnings
}

test('cells that are there were made with the rows that are here, wherever those are now', async () => {
  const home = await project()
  expect(await run(home)).toEqual([])
  renameSync(home, `${home}-moved`)
  expect(await run(`${home}-moved`)).toEqual([])
})

test('no table mixes cells of two data sets: the first cell of other rows is named, with both hashes', async () => {
  const home = await project()
  const rows = join(home, 'data', 'test.jsonl')
  const before = hashFiles([rows]).slice(0, 12)
  writeFileSync(rows, '{"text": "another", "label": 1}\n')
  const told = `${join(home, 'runs', 'seed1')}: its test rows had SHA-256 ${before}…; ${rows} has ${hashFiles([rows]).slice(0, 12)}….`
  await expect(run(home)).rejects.toThrow(
    `${told} Choose another folder with --dir, or go on with what is here: --allow-changed.`,
  )
  expect(await run(home, true)).toEqual([
    `${told} Other cells that differ: 1. Going on, as --allow-changed says; --dir names another folder.`,
  ])
})

test('the names of labels may be given later', async () => {
  const home = await project()
  const file = join(home, 'trial.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace('set:\n', 'set:\n  task.label_names: { 0: dull, 1: fine }\n'))
  expect(await run(home)).toEqual([])
  writeFileSync(file, text.replace('set:\n', 'set:\n  task.positive: 0\n'))
  await expect(run(home)).rejects.toThrow('was trained by another experiment, or by this one with other values.')
})
