import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { loadTask, readTask } from '../../src/experiment/task.js'
import type { TaskOptions } from '../../src/task/options.js'
import { toldAtItsKey } from '../../src/task/rows/misfit.js'
import { readSplit } from '../../src/task/rows/source.js'
import { drawSubsets, trainingSplit, writeSubsets } from '../../src/task/rows/subsample.js'

const rottenTomatoes = loadTask('rotten-tomatoes')
const trainFile = join(packageRoot, 'configs/tasks/rotten-tomatoes/train.jsonl')
const draw = { sizes: [6], seeds: [0], stratified: false }

describe('drawSubsets', () => {
  test('draws the first of randperm, and says what of', async () => {
    const [first, second] = await drawSubsets(rottenTomatoes, { sizes: [6], seeds: [0, 42], stratified: false })
    // torch.randperm(8530, generator=torch.Generator().manual_seed(seed))[:6].tolist()
    expect(first!.indices).toEqual([7024, 580, 6087, 4067, 5801, 2384])
    expect(second).toEqual({
      task: 'rotten-tomatoes',
      size: 6,
      seed: 42,
      stratified: false,
      rows_total: 8530,
      data_sha256: createHash('sha256').update(readFileSync(trainFile)).digest('hex'),
      indices: [7492, 7704, 3726, 2779, 4264, 7990],
    })
  })

  test.each([false, true])(
    'are the rows that task.subset trains on, in that order; stratified: %s',
    async (stratified) => {
      const [subset] = await drawSubsets(rottenTomatoes, { sizes: [40], seeds: [7], stratified })
      const whole = await readSplit(rottenTomatoes, 'train')
      const trained = await readSplit({ ...rottenTomatoes, subset: { size: 40, seed: 7, stratified } }, 'train')
      expect(trained).toEqual(subset!.indices.map((index) => whole[index]))
      if (stratified) expect(trained.filter(({ target }) => target === '1').length).toBe(20)
    },
  )

  test('a subset starts with every smaller one of its seed', async () => {
    const [small, large] = await drawSubsets(rottenTomatoes, { sizes: [10, 100], seeds: [3], stratified: false })
    expect(large!.indices.slice(0, 10)).toEqual(small!.indices)
    expect(new Set(large!.indices).size).toBe(100)
  })

  test('counts the rows that are left of a split that gives rows away', async () => {
    const heldOut = { ...rottenTomatoes, split: 'held_out' } as TaskOptions
    expect((await trainingSplit(heldOut, { stratified: false })).rows).toBe(7530)
    const [subset] = await drawSubsets(heldOut, { ...draw, sizes: [5] })
    const whole = await readSplit(heldOut, 'train')
    const trained = await readSplit({ ...heldOut, subset: { size: 5, seed: 0, stratified: false } }, 'train')
    expect(trained).toEqual(subset!.indices.map((index) => whole[index]))
  })

  test('refuses more rows than there are', async () => {
    await expect(drawSubsets(rottenTomatoes, { ...draw, sizes: [6, 8531] })).rejects.toThrow(
      /^--size 8531: a subset of 8531 rows; the training split of rotten-tomatoes has 8530\. Choose 8530 or fewer\.$/,
    )
    const subset = { size: 8531, seed: 0, stratified: false }
    await expect(readSplit({ ...rottenTomatoes, subset }, 'train')).rejects.toThrow(
      `${trainFile}: a subset of 8531 rows; the training split of rotten-tomatoes has 8530. Choose 8530 or fewer.`,
    )
    const located = toldAtItsKey(
      (path) => path.join('.'),
      () => readSplit({ ...rottenTomatoes, subset }, 'train'),
    )
    await expect(located).rejects.toThrow(/^task\.subset\.size: a subset of 8531 rows; /)
  })

  test('refuses a stratified draw from free texts', async () => {
    const { train, validation, test } = rottenTomatoes
    const text = { name: 'titles', train, validation, test, prompt: '{text}', kind: 'text', target: 'text' } as never
    const task = { ...(text as TaskOptions), split: 'given', on_bad_row: 'error' } as TaskOptions
    await expect(drawSubsets(task, { ...draw, stratified: true })).rejects.toThrow(
      '--size 6: a stratified subset keeps the share of each label; the task titles is of kind text and has none. Leave stratified out.',
    )
  })
})

describe('writeSubsets', () => {
  const subset = {
    task: 'glue/rte',
    size: 2,
    seed: 1,
    stratified: false,
    rows_total: 9,
    data_sha256: 'x',
    indices: [4, 1],
  }

  test('names files by task, size and seed; a file with the same content is left alone', () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'subsets-')), 'new')
    const file = join(folder, 'glue-rte-2-seed1.json')
    expect(writeSubsets([subset], folder, { force: false })).toEqual([{ file, state: 'written', subset }])
    expect(readdirSync(folder)).toEqual(['glue-rte-2-seed1.json'])
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(subset)
    const { mtimeNs, ino } = statSync(file, { bigint: true })
    expect(writeSubsets([subset], folder, { force: false })[0]!.state).toBe('unchanged')
    const after = statSync(file, { bigint: true })
    expect([after.mtimeNs, after.ino]).toEqual([mtimeNs, ino])
  })

  test('a file that differs is refused before any is written, unless forced', () => {
    const folder = mkdtempSync(join(tmpdir(), 'subsets-'))
    const file = join(folder, 'glue-rte-2-seed1.json')
    writeSubsets([subset], folder, { force: false })
    const changed = { ...subset, stratified: true, indices: [4, 2] }
    expect(() => writeSubsets([{ ...subset, seed: 0 }, changed], folder, { force: false })).toThrow(
      `${file}: exists already and differs in stratified, indices. Choose another folder with --out, or write over it with --force.`,
    )
    expect(readdirSync(folder)).toEqual(['glue-rte-2-seed1.json'])
    writeFileSync(file, '{"torn')
    expect(() => writeSubsets([subset], folder, { force: false })).toThrow(/exists already and differs in task, size/)
    expect(writeSubsets([changed], folder, { force: true })[0]!.state).toBe('written')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(changed)
  })
})

describe('a task by its name', () => {
  test('takes a task, an experiment or a file', () => {
    expect(loadTask('quickstart')).toEqual(rottenTomatoes)
    expect(loadTask(join(packageRoot, 'experiments/quickstart.yaml'))).toEqual(rottenTomatoes)
    expect(readTask('glue/rte', { path: packageRoot }).task).toMatchObject({
      name: 'glue/rte',
      benchmark: 'glue/rte',
      path: packageRoot,
    })
  })

  test('names the nearest of an unknown one', () => {
    expect(() => loadTask('glue/rtee')).toThrow(
      'glue/rtee: there is no such task, experiment or file. Did you mean glue/rte?',
    )
    expect(() => readTask('glue/rte', { path: '/nowhere' })).toThrow(
      '--path /nowhere: there is no such folder. Name the one with the official files.',
    )
  })
})
