import { describe, expect, test } from 'vitest'
import { firstComment, presetFile, presetNames } from '../../src/base/presets.js'
import type { Experiment } from '../../src/experiment/schema.js'
import { loadSweep } from '../../src/sweep/plan/load.js'

const SMALL = ['glue/cola', 'glue/mrpc', 'glue/stsb', 'glue/rte', ...['boolq', 'cb', 'copa', 'wic'].map(superglue)]

function superglue(name: string) {
  return `superglue/${name}`
}

const cellsOf = (name: string, ...sets: string[]) => loadSweep(`paper/${name}`, sets).cells
const unique = <T>(values: T[]): T[] => [...new Set(values)]

/** Cells of one task by method preset and searched values. */
const settings = (name: string, task: string) =>
  cellsOf(name)
    .filter(({ experiment }) => experiment.task.name === task)
    .map(({ axes }) => [axes['method.preset'], axes['method.reduction_factor'], axes['method.n']])

const pairs = (method: string) => [32, 16, 8].flatMap((factor) => [4, 8, 12].map((n) => [method, factor, n]))
const factors = (method: string) => [32, 16, 8].map((factor) => [method, factor, undefined])
const alone = (method: string) => [[method, undefined, undefined]]

// the searches, epochs and prompts of section 4 of the paper
const TABLE_1 = [
  ...alone('full'),
  ...['adapter', 'pfeiffer-adapter', 'adapterdrop', 'low-rank-adapter'].flatMap(factors),
  ...['phm-adapter', 'compacter', 'compacter++'].flatMap(pairs),
  ...['bitfit', 'intrinsic', 'intrinsic-said', 'prompt-tuning-r', 'prompt-tuning-t'].flatMap(alone),
]
const RATES: Record<string, number> = {
  ...Object.fromEntries(['full', 'adapter', 'pfeiffer-adapter', 'adapterdrop', 'bitfit'].map((name) => [name, 3e-4])),
  ...Object.fromEntries(['low-rank-adapter', 'phm-adapter', 'compacter', 'compacter++'].map((name) => [name, 3e-3])),
  ...{ intrinsic: 3e-2, 'intrinsic-said': 3e-2, 'prompt-tuning-r': 3e-2, 'prompt-tuning-t': 3e-1 },
}
const NAMED_FIRST = ['full', 'bitfit', 'intrinsic', 'intrinsic-said', 'prompt-tuning-r', 'prompt-tuning-t']

describe.each([
  ['table-1', 8],
  ['superglue', 6],
] as const)('paper/%s', (sweep, tasks) => {
  const cells = cellsOf(sweep)

  test('has 13 methods with their searches on every task', () => {
    const names = unique(cells.map(({ experiment }) => experiment.task.name))
    expect(names.length).toBe(tasks)
    for (const name of names) expect(settings(sweep, name), name).toEqual(TABLE_1)
  })

  test("trains small tasks for 20 epochs and large ones for 3, at the method's rate and with its prompt", () => {
    for (const { axes, experiment } of cells) {
      const method = String(axes['method.preset'])
      expect(facts(experiment), method).toEqual({
        backbone: { name: 't5-base', trim_vocabulary: true },
        epochs: SMALL.includes(experiment.task.name) ? 20 : 3,
        ...{ batch_size: 100, warmup_steps: 500, source_length: 128, seed: 42, learning_rate: RATES[method] },
        name_first: NAMED_FIRST.includes(method),
      })
    }
  })

  test('leaves out on t5-nano what does not fit its four layers of 256', () => {
    const { cells: fitting, skipped } = loadSweep(`paper/${sweep}`, ['backbone=t5-nano'])
    expect([fitting.length, skipped.length]).toEqual([33 * tasks, 12 * tasks])
    expect(skipped.every(({ name }) => /adapterdrop|n12$/.test(name))).toBe(true)
  })
})

function facts({ backbone, task, training }: Experiment) {
  const { epochs, batch_size, warmup_steps, source_length, seed, learning_rate } = training
  const name_first = 'name_first' in task && task.name_first
  return { backbone, epochs, batch_size, warmup_steps, source_length, seed, learning_rate, name_first }
}

test('low-resource has five sizes and seeds where the task has the rows, and 1000 steps whatever the size', () => {
  const cells = cellsOf('low-resource')
  const sizes = (name: string) =>
    unique(cells.filter(({ experiment: { task } }) => task.name === name).map(({ axes }) => axes['task.subset.size']))
  for (const name of ['cola', 'sst2', 'qqp', 'stsb', 'mnli', 'qnli'])
    expect(sizes(`glue/${name}`), name).toEqual([100, 500, 1000, 2000, 4000])
  for (const name of ['mrpc', 'rte']) expect(sizes(`glue/${name}`), name).toEqual([100, 500, 1000, 2000])
  expect(cells.length).toBe(5 * 4 * (6 * 5 + 2 * 4))
  expect(unique(cells.map(({ experiment: { training } }) => training.steps))).toEqual([1000])
})

test('ablations change one thing of compacter each', () => {
  const own = cellsOf('ablations').filter(({ name }) => name.startsWith('seed0-glue-rte'))
  const [first, ...others] = own.map(({ experiment }) => experiment.method)
  const changed = others.map((method) => {
    const [a, b] = [first, method] as unknown as Record<string, unknown>[]
    return Object.keys(b!).filter((key) => JSON.stringify(a![key]) !== JSON.stringify(b![key]))
  })
  expect(changed).toEqual([
    ...[['n'], ['n'], ['rule'], ['learn_rule'], ['rank'], ['rank'], ['factors'], ['rule', 'factors']],
    ...[['train_layer_norms'], ['train_lm_head'], ['placement'], ['placement']],
  ])
})

test('efficiency takes an epoch of MNLI with each method, as large as in the table of efficiency', () => {
  const cells = cellsOf('efficiency')
  expect(cells.map(({ name }) => name)).toEqual(unique(TABLE_1.map(([method]) => method)))
  for (const { experiment } of cells)
    expect([experiment.task.name, experiment.training.epochs]).toEqual(['glue/mnli', 1])
  const method = (name: string) => cells.find((cell) => cell.name === name)!.experiment.method
  expect(method('phm-adapter')).toMatchObject({ n: 12 })
  expect([method('intrinsic'), method('intrinsic-said')]).toMatchObject([{ dimension: 1400 }, { dimension: 1400 }])
})

test('sizes has small, base and large', () => {
  const cells = cellsOf('sizes')
  expect(unique(cells.map(({ experiment }) => experiment.backbone.name))).toEqual(['t5-small', 't5-base', 't5-large'])
  expect(cells.length).toBe(3 * 8 * 4)
})

test.each(presetNames('sweeps').filter((name) => name.startsWith('paper/')))(
  '%s says how many cells it has',
  (name) => {
    const [, said] = /; (\d+) cells/.exec(firstComment(presetFile('sweeps', name)!)) ?? []
    expect(said).toBe(String(loadSweep(name).cells.length))
  },
)
