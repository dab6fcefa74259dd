import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatPaperTable } from '../../src/report/sweep/paper.js'
import { formatResults } from '../../src/report/sweep/sweep.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { readPaperTable } from '../../src/sweep/results/paper_table.js'
import { readResults } from '../../src/sweep/results/results.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { newFolder, type RunValues, writeRun } from '../report/runs.js'

const outside = newFolder()

/** A sweep's folder in which only these cells are finished. */
function swept(name: string, finished: Record<string, Pick<RunValues, 'test' | 'result'>>, as = name): string {
  const folder = join(outside, as)
  const { axes, cells, yaml } = loadSweep(`paper/${name}`)
  prepareFolder(folder, { name, axes, slurm: {}, cells }, yaml, { flag: '--dir', keep: false })
  for (const [cell, values] of Object.entries(finished)) {
    expect(cells.map((one) => one.name)).toContain(cell)
    writeRun(join(folder, cell), values)
  }
  return folder
}

const run = (validation: number, test: number, trained: number, metric = 'accuracy') => ({
  test: { [metric]: test },
  result: {
    validation: { [metric]: validation },
    trained_parameters: trained,
    share_percent: (100 * trained) / 222882048,
  },
})

const TASKS = ['cola', 'sst2', 'mrpc', 'qqp', 'stsb', 'mnli', 'qnli', 'rte']

const table1 = swept('table-1', {
  ...Object.fromEntries(TASKS.map((task, i) => [`glue-${task}-full`, run(90 - i, 91 - i, 222882048)])),
  // the smallest bottleneck is best on validation, though not on test
  'glue-rte-adapter-reduction_factor32': run(70, 66, 1855104),
  'glue-rte-adapter-reduction_factor16': run(69, 72, 3624576),
  'glue-rte-adapter-reduction_factor8': run(68, 71, 7163520),
  'glue-cola-adapter-reduction_factor8': run(60, 61, 7163520),
  'glue-cola-compacter-reduction_factor32-n4': run(40, 41, 161728),
  'glue-cola-compacter-reduction_factor32-n12': run(50, 51, 163392),
  'glue-rte-bitfit': run(-3, -4.5, 280932),
})

// expected: the rules of docs/sweep.md applied by hand to the scores above; the paper's shares are those of its table
test.each([
  ['table', 'txt'],
  ['markdown', 'md'],
  ['csv', 'csv'],
  ['latex', 'tex'],
] as const)(
  'a whole %s in the form of the paper: empty where nothing was run, its numbers next to ours',
  async (format, ending) => {
    const text = formatPaperTable(await readPaperTable(table1), format)
    await expect(`${text}\n`).toMatchFileSnapshot(`../fixtures/paper_table/table-1.${ending}`)
  },
)

test('--json has scores with their settings, and how much of the search is finished', async () => {
  const { tasks, rows, cells, runs } = await readPaperTable(table1)
  expect([tasks, cells, runs]).toEqual([TASKS.map((task) => `glue/${task}`), 360, 15])
  const adapter = rows.find(({ method }) => method === 'adapter')!
  expect(adapter.scores[7]).toEqual({
    test: { mean: 66, std: null },
    validation: { mean: 70, std: null },
    metrics: ['accuracy'],
    setting: { 'method.reduction_factor': 32 },
    ...{ runs: 3, cells: 3 },
  })
  expect(adapter.scores[0]).toMatchObject({ setting: { 'method.reduction_factor': 8 }, runs: 1, cells: 3 })
  expect(adapter.trained_parameters).toEqual([1855104, 7163520])
  expect(rows.find(({ method }) => method === 'full')!.average).toBe(87.5)
})

const cost = (seconds: number, gigabytes: number) => ({
  test: { accuracy: 80 },
  result: { step_seconds: seconds, peak_memory_bytes: gigabytes * 1e9 },
})

test('a table of one task compares time and memory with full fine-tuning', async () => {
  const folder = swept('efficiency', {
    full: cost(2, 8),
    compacter: cost(1.5, 4),
    'compacter++': cost(1, 3),
    'intrinsic-said': cost(3, 10),
  })
  expect(formatPaperTable(await readPaperTable(folder), 'csv')).toMatchInlineSnapshot(`
    "method,mnli,trained,trained %,paper %,time %,paper time %,memory %,paper memory %
    full,80.00,"18,368",0.195,,,,,
    adapter,,,,0.832,,,,
    pfeiffer-adapter,,,,0.427,,,,
    adapterdrop,,,,0.494,,,,
    low-rank-adapter,,,,0.073,,,,
    "phm-adapter, n = 12",,,,0.179,,,,
    compacter,80.00,"18,368",0.195,0.073,−25.00,−13.41,−50.00,
    compacter++,80.00,"18,368",0.195,0.047,−50.00,−26.51,−62.50,−41.94
    bitfit,,,,0.126,,,,
    "intrinsic, dimension = 1400",,,,,,,,
    "intrinsic-said, dimension = 1400",80.00,"18,368",0.195,,50.00,,25.00,41.14
    prompt-tuning-r,,,,0.034,,,,24.42
    prompt-tuning-t,,,,0.034,,,,24.42"
  `)
})

test('seeds are averaged, and rows of several backbones or sizes say which they are of', async () => {
  const ablations = swept('ablations', {
    'seed0-glue-rte-compacter-rank2': run(60, 60, 1),
    'seed1-glue-rte-compacter-rank2': run(64, 64, 1),
    'seed2-glue-rte-compacter-rank2': run(62, 62, 1),
  })
  const { rows } = await readPaperTable(ablations)
  expect(rows.map(({ method }) => method)).toEqual([
    'compacter',
    ...['n = 8', 'n = 12', 'rule = own', 'learn_rule = false', 'rank = 2', 'rank = 4', 'factors = full'].map(
      (change) => `compacter, ${change}`,
    ),
    'phm-adapter',
    ...['train_layer_norms = false', 'train_lm_head = true'].map((change) => `compacter, ${change}`),
    'compacter++',
    'compacter, placement.sublayers = [attention]',
  ])
  expect(rows[5]!.scores[3]).toMatchObject({ test: { mean: 62, std: 2 }, runs: 3, cells: 3 })
  const names = async (folder: string) => (await readPaperTable(folder)).rows.map(({ method }) => method)
  expect((await names(swept('sizes', {}))).slice(0, 2)).toEqual(['full on t5-small', 'adapter on t5-small'])
  expect((await names(swept('low-resource', {}))).slice(0, 2)).toEqual(['full, size = 100', 'full, size = 500'])
})

test('of errors the lowest on validation is chosen, and there is no average', async () => {
  const cells = Object.fromEntries(
    TASKS.slice(1).map((task) => [`glue-${task}-adapter-reduction_factor8`, run(1, 1, 1)]),
  )
  const errors = {
    'glue-cola-adapter-reduction_factor32': run(3, 4, 1, 'mae'),
    'glue-cola-adapter-reduction_factor16': run(2, 5, 1, 'mae'),
    'glue-cola-adapter-reduction_factor8': run(4, 3, 1, 'mae'),
  }
  const { rows } = await readPaperTable(swept('table-1', { ...cells, ...errors }, 'errors'))
  const { scores, average } = rows.find(({ method }) => method === 'adapter')!
  expect([scores[0]!.test.mean, scores.length, average]).toEqual([5, 8, null])
})

test('sweep results has its table of settings as LaTeX too', async () => {
  const folder = swept('efficiency', { full: cost(2, 8), compacter: cost(1.5, 4) }, 'latex')
  expect(formatResults(await readResults(folder), 'latex')).toMatchInlineSnapshot(`
    "% 13 cells: 2 finished, 11 waiting.
    \\begin{tabular}{lrrr}
    \\toprule
    preset & runs & validation accuracy & test accuracy \\\\
    \\midrule
    full & 1 & 80.00 & 80.00 \\\\
    compacter & 1 & 80.00 & 80.00 \\\\
    \\bottomrule
    \\end{tabular}"
  `)
})
