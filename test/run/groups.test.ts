import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { methodName, writtenMethodName } from '../../src/experiment/method_name.js'
import { compare } from '../../src/report/comparison.js'
import { findRuns } from '../../src/report/find_runs.js'
import { readReport } from '../../src/report/report.js'
import { groupRuns } from '../../src/run/compare/groups.js'
import { groupsOf, newFolder, type RunValues, writeRun } from '../report/runs.js'

describe('runs are a group', () => {
  const names = (runs: RunValues[]) => groupsOf(runs).map(({ method, task, runs }) => [method, task, runs.length])

  test('where they differ in seeds and in what changes no score', () => {
    const chance = [
      ['training.seed=7', 'training.checkpoint_every=5'],
      ['training.engine_mode=eager', 'training.tensorboard=true', 'task.label_names={0: dull, 1: fine}'],
      ['training.seed=8', 'training.evaluation_batch_size=3', 'task.on_bad_row=skip'],
      ['training.seed=9', 'training.micro_batch_size=4', 'training.keep=best'],
    ]
    expect(names(chance.map((sets) => ({ sets })))).toEqual([['compacter', 'rotten-tomatoes', 4]])
  })

  test('and distinguished by what differs where methods are the same', () => {
    const sets = [
      ['training.learning_rate=0.001'],
      ['training.learning_rate=0.01', 'training.batch_size=8'],
      ['method.n=8'],
    ]
    expect(names(sets.map((sets) => ({ sets })))).toEqual([
      ['compacter, batch_size = 32, learning_rate = 0.001', 'rotten-tomatoes', 1],
      ['compacter, batch_size = 8, learning_rate = 0.01', 'rotten-tomatoes', 1],
      ['compacter, n = 8', 'rotten-tomatoes', 1],
    ])
  })

  test('of one subset size: its seed is chance, its size is another column', () => {
    const subset = (size: number, seed: number) => ({ sets: [`task.subset.size=${size}`, `task.subset.seed=${seed}`] })
    expect(names([subset(100, 0), subset(1000, 0), subset(100, 1)])).toEqual([
      ['compacter', 'rotten-tomatoes, 100 rows', 2],
      ['compacter', 'rotten-tomatoes, 1,000 rows', 1],
    ])
  })

  test('of one backbone', () => {
    const small = { sets: ['backbone=t5-small'], manifest: { backbone_sha256: 'cd'.repeat(32) } }
    expect(names([{}, small])).toEqual([
      ['compacter on t5-nano', 'rotten-tomatoes', 1],
      ['compacter on t5-small', 'rotten-tomatoes', 1],
    ])
  })
})

describe('runs that differ in more than seeds are rows of their own, named by what differs', () => {
  const rows = (...runs: RunValues[]) => {
    const table = compare(
      groupsOf(runs.map((run, seed) => ({ ...run, sets: [`training.seed=${seed}`, ...(run.sets ?? [])] }))),
    )
    expect(table.runs).toBe(1)
    return table.rows.map(({ method }) => method)
  }

  test.each([
    ['task.prompt="review: {text}"', 'prompt = sentence: {text}', 'prompt = review: {text}'],
    ['task.name_first=true', 'name_first = false', 'name_first = true'],
    ['task.labels={0: bad, 1: good}', '', 'labels.0 = bad, labels.1 = good'],
    ['task.label=mood', 'label = label', 'label = mood'],
    ['task.positive="0"', 'positive = 1', 'positive = 0'],
    ['task.split=halves', 'split = given', 'split = halves'],
    ['backbone.trim_vocabulary=true', 'trim_vocabulary = false', 'trim_vocabulary = true'],
    ['training.precision=bfloat16', 'precision = float32', 'precision = bfloat16'],
    ['training.group_by_length=true', 'group_by_length = false', 'group_by_length = true'],
    ['training.warmup_steps=3', 'warmup_steps = 40', 'warmup_steps = 3'],
    ['training.target_length=2', '', 'target_length = 2'],
  ])('%s', (set, before, after) => {
    expect(rows({}, { sets: [set] })).toEqual(
      [before, after].map((change) => ['compacter', change].filter(Boolean).join(', ')),
    )
  })

  test('subsets that are stratified', () => {
    const size = 'task.subset.size=100'
    expect(rows({ sets: [size] }, { sets: [size, 'task.subset.stratified=true'] })).toEqual([
      'compacter, subset.stratified = false',
      'compacter, subset.stratified = true',
    ])
  })

  test('other rows, other weights, another order of the rows', () => {
    const hashes = { train: '11'.repeat(32), validation: '22'.repeat(32), test: '33'.repeat(32) }
    expect(
      rows(
        {},
        { manifest: { data_sha256: { ...hashes, train: '44'.repeat(32) } } },
        { manifest: { backbone_sha256: 'cd'.repeat(32) } },
        { manifest: { row_order: 'random' } },
      ),
    ).toEqual([
      'compacter, weights = abababababab, train data = 111111111111, row_order = not noted',
      'compacter, weights = abababababab, train data = 444444444444, row_order = not noted',
      'compacter, weights = cdcdcdcdcdcd, train data = 111111111111, row_order = not noted',
      'compacter, weights = abababababab, train data = 111111111111, row_order = random',
    ])
  })

  test('metrics are columns', () => {
    const { tasks, rows } = compare(
      groupsOf([{}, { sets: ['task.metrics=[f1]', 'training.seed=1'], test: { f1: 30 } }]),
    )
    expect(tasks.map(({ name }) => name)).toEqual(['rotten-tomatoes, accuracy', 'rotten-tomatoes, f1'])
    expect(rows.map(({ method, cells }) => [method, ...cells.map((cell) => cell?.text)])).toEqual([
      ['compacter', '61.25', '30.00'],
    ])
  })

  test('but moved files are the same, where the manifest has their hashes', () => {
    const folder = newFolder()
    const moved = ['train', 'validation', 'test'].map((split) => {
      writeFileSync(join(folder, `${split}.csv`), 'text,label\n')
      return `task.${split}=${join(folder, `${split}.csv`)}`
    })
    const group = (values: RunValues) => groupsOf([values, { ...values, sets: [...moved, 'training.seed=1'] }])
    expect(group({}).map(({ method, finished }) => [method, finished.length])).toEqual([['compacter', 2]])
    const apart = group({ manifest: { data_sha256: { validation: '2', test: '3' } } }).map(({ method }) => method)
    expect(apart).toEqual([
      `compacter, train = ${join(packageRoot, 'configs/tasks/rotten-tomatoes/train.jsonl')}`,
      `compacter, train = ${join(folder, 'train.csv')}`,
    ])
  })

  test('distinguished from those of its backbone by name or by weights, and from no others', () => {
    const run = (backbone: string, weights: string, ...sets: string[]) => ({
      sets: [`backbone=${backbone}`, ...sets.map((set) => `training.${set}`)],
      manifest: { backbone_sha256: weights.repeat(32) },
    })
    const runs = [
      run('t5-nano', 'ab', 'learning_rate=0.1'),
      run('t5-small', 'ab', 'learning_rate=0.2'),
      run('t5-small', 'cd', 'learning_rate=0.3', 'batch_size=8'),
      run('t5-base', 'ef', 'learning_rate=0.4'),
    ]
    expect(groupsOf(runs).map(({ method }) => method)).toEqual([
      'compacter on t5-nano, learning_rate = 0.1',
      'compacter on t5-small, batch_size = 32, learning_rate = 0.2, weights = abababababab',
      'compacter on t5-small, batch_size = 8, learning_rate = 0.3, weights = cdcdcdcdcdcd',
      'compacter on t5-base',
    ])
  })

  test('two that would have one name are numbered, so that none is lost', () => {
    const lists = [['labels={0: "1, 1 = 2"}'], ['labels={0: "1", "1": "2"}']].map(([set]) => ({
      sets: [`task.${set}`],
    }))
    expect(new Set(groupsOf(lists).map(({ method }) => method)).size).toBe(2)
  })
})

test('2,000 groups take a second, not one for each pair', () => {
  const [first] = findRuns([writeRun(join(newFolder(), 'run'))]).runs
  const runs = Array.from({ length: 2000 }, (_, i) => {
    const { experiment } = first!
    const training = { ...experiment.training, learning_rate: (i + 1) / 1000 }
    return { ...first!, folder: `run${i}`, experiment: { ...experiment, training } }
  })
  const before = process.cpuUsage()
  const table = compare(groupRuns(runs))
  const { user, system } = process.cpuUsage(before)
  expect(table.rows.map(({ method }) => method)).toEqual(
    runs.map(({ experiment }) => `compacter, learning_rate = ${experiment.training.learning_rate}`),
  )
  expect((user + system) / 1e6).toBeLessThan(10) // seconds of computing, whoever else computes: it took 93
})

test('a run that occurs twice, copied or trained again, is not two seeds', async () => {
  const folder = newFolder()
  const run = (name: string, seed: number, accuracy: number) =>
    writeRun(join(folder, name), { sets: [`training.seed=${seed}`], test: { accuracy } })
  run('one', 1, 60)
  run('two', 2, 64)
  run('two-copied', 2, 64)
  run('two-again', 2, 63.5)
  const { comparison, leftOut } = await readReport([folder])
  // expected: statistics.mean and statistics.stdev of [60, 64]
  expect(comparison.rows[0]!.cells).toEqual([
    { text: '62.00 ± 2.83', validation: '62.00 ± 2.83', runs: 2, best: false },
  ])
  expect(leftOut).toEqual([
    {
      folder: join(folder, 'two-again'),
      reason: `is ${join(folder, 'two')} again, with the same seeds, though its test score is 63.50 and that one's 64.00: it counts once.`,
    },
    {
      folder: join(folder, 'two-copied'),
      reason: `is ${join(folder, 'two')} again, with the same seeds: it counts once.`,
    },
  ])
})

test.each([
  ['method=compacter', 'compacter'],
  ['method=compacter++', 'compacter++'],
  ['method=pfeiffer-adapter', 'pfeiffer-adapter'],
  ['method=low-rank-adapter', 'low-rank-adapter'],
  ['method=intrinsic', 'intrinsic'],
  ['method=prompt-tuning-t', 'prompt-tuning-t'],
  ['method=bitfit', 'bitfit'],
  ['method={preset: compacter++, n: 8, rank: 2}', 'compacter++, n = 8, rank = 2'],
  ['method={preset: bitfit, biases: [attention, lm_head]}', 'bitfit, biases = [attention, lm_head]'],
  ['method={preset: adapter, placement: {encoder_layers: 1-2}}', 'adapter, placement.encoder_layers = 1-2'],
])('--set %s is called %s', (set, name) => {
  expect(methodName(loadExperiment('quickstart', [set]).method)).toBe(name)
  expect(writtenMethodName(parse(set.replace('method=', '')))).toBe(name)
})

test('what is changed in one of several methods is in parentheses', () => {
  const set = '[{preset: lora, rank: 4, alpha: 8}, compacter++, {kind: ia3, targets: [wo]}]'
  const { method } = loadExperiment('quickstart', [`method=${set}`, 'training.learning_rate=0.001'])
  const name = 'lora (rank = 4, alpha = 8) + compacter++ + ia3 (targets = [wo])'
  expect(methodName(method)).toBe(name)
  expect(writtenMethodName(parse(set))).toBe(name)
})
