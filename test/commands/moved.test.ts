import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { makeRun } from '../export/made_run.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const engine = ['--engine', engines[0]!, '--threads', '1']
const outside = mkdtempSync(join(tmpdir(), 'moved-'))
const { folder: data } = smallExperiment({})
afterAll(() => {
  for (const folder of [outside, data]) rmSync(folder, { recursive: true })
})

const run = join(outside, 'run')
const SPLITS = ['train', 'validation', 'test']
beforeAll(() =>
  makeRun(run, 'method=bitfit', ...SPLITS.map((split) => `task.${split}=${join(data, `${split}.jsonl`)}`)),
)

test('a run reads the bundled rows of the clone that is used, not those of the clone that made it', async () => {
  const shipped = await makeRun(join(outside, 'shipped'), 'method=bitfit')
  const clone = join(outside, 'clone')
  mkdirSync(clone)
  for (const name of ['bin', 'dist', 'configs', 'experiments', 'package.json', 'oclif.manifest.json'])
    cpSync(join(packageRoot, name), join(clone, name), { recursive: true })
  symlinkSync(join(packageRoot, 'node_modules'), join(clone, 'node_modules'))
  const rows = join(clone, 'configs/tasks/rotten-tomatoes/test.jsonl')
  writeFileSync(rows, `${readFileSync(rows, 'utf8').split('\n').slice(0, 10).join('\n')}\n`)
  const args = [join(clone, 'bin', 'run.js'), 'eval', shipped, '--json', ...engine]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(JSON.parse(stdout || '{}').runs?.[0].rows, stderr).toBe(10)
})

test('data that moved: eval, predict and export say how to name its place, and take it', async () => {
  const evaluated = await compacter(['eval', run, '--json', ...engine])
  expect(evaluated.code, evaluated.stderr).toBe(0)
  const ranked = ['predict', run, 'a gripping film', '--scoring', 'rank', ...engine]
  const predicted = await compacter(ranked)
  expect(predicted.code, predicted.stderr).toBe(0)

  const moved = join(data, 'moved')
  mkdirSync(moved)
  for (const split of SPLITS) renameSync(join(data, `${split}.jsonl`), join(moved, `${split}.jsonl`))
  const lost = await compacter(['eval', run, ...engine])
  expect(lost.code).toBe(1)
  expect(lost.stderr).toContain(
    `${run}: its test rows were in ${join(data, 'test.jsonl')}, where nothing is now. Say where they are: --set task.test=FILE.\n`,
  )
  const unlabelled = await compacter(ranked)
  expect(unlabelled.stderr).toContain('where nothing is now. Say where they are: --set task.train=FILE.')

  const set = ['--set', `task.path=${moved}`]
  expect(await compacter(['eval', run, '--json', ...set, ...engine])).toMatchObject({ stdout: evaluated.stdout })
  expect(await compacter([...ranked, ...set])).toMatchObject({ stdout: predicted.stdout })

  const out = join(outside, 'export')
  const exported = await compacter(['export', run, '--format', 'safetensors', '--out', out, ...set])
  expect(exported.code, exported.stderr).toBe(0)
  const again = JSON.parse((await compacter(['eval', out, '--json', ...engine])).stdout)
  expect(again.runs).toEqual([{ ...JSON.parse(evaluated.stdout).runs[0], run: out }])
  const wrong = await compacter(['export', run, '--format', 'safetensors', '--out', out, '--set', 'method.n=2'])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toMatch(/^--set method\.n=2: a run stays what it was made with;/)
})

test('eval --predictions replaces a file with --force only', async () => {
  const file = join(outside, 'predictions.jsonl')
  writeFileSync(file, 'precious')
  const args = ['eval', run, '--set', `task.path=${join(data, 'moved')}`, '--predictions', file, ...engine]
  const refused = await compacter(args)
  expect([refused.code, refused.stderr]).toEqual([1, `${file}: exists already. Replace it with --force.\n`])
  expect(readFileSync(file, 'utf8')).toBe('precious')
  const replaced = await compacter([...args, '--force'])
  expect(replaced.code, replaced.stderr).toBe(0)
  expect(readFileSync(file, 'utf8').trim().split('\n').length).toBe(20)
})

test('eval --predictions makes the folder of answers that a run of an earlier version lacks, and no other', async () => {
  const file = join(run, 'predictions', 'test.jsonl')
  const args = ['eval', run, '--set', `task.path=${join(data, 'moved')}`, ...engine, '--predictions']
  rmSync(join(run, 'predictions'), { recursive: true, force: true })
  const written = await compacter([...args, file])
  expect(written.code, written.stderr).toBe(0)
  expect(readFileSync(file, 'utf8').trim().split('\n').length).toBe(20)
  const refused = await compacter([...args, join(outside, 'none', 'test.jsonl')])
  expect(refused.stderr).toContain('the folder does not exist. Create it first.')
})
