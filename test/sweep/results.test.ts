import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { patiently, withLock } from '../../src/base/lock/lock.js'
import { escapeMarkdown } from '../../src/base/text/markdown.js'
import { formatResults, statusTable } from '../../src/report/sweep/sweep.js'
import { writeResults } from '../../src/report/sweep/write.js'
import { writeReport } from '../../src/report/write.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { readResults } from '../../src/sweep/results/results.js'
import { readStatus } from '../../src/sweep/results/status.js'
import { writeFailure } from '../../src/sweep/run/folder.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { newFolder, writeRun } from '../report/runs.js'

const outside = newFolder()
const file = join(outside, 'trial.yaml')
writeFileSync(
  file,
  'experiment: quickstart\nset: { training.steps: 40, training.evaluate_every: 10 }\naxes:\n  method.preset: [compacter, bitfit]\n  training.learning_rate: [0.001, 0.003]\n  training.seed: [0, 1]\n',
)
const folder = join(outside, 'runs')
const { name, axes, slurm, cells, yaml } = loadSweep(file)
prepareFolder(folder, { name, axes, slurm, cells }, yaml, { flag: '--dir', keep: false })

const scores: Record<string, number> = {
  'compacter-learning_rate0.001-seed0': 60,
  'compacter-learning_rate0.001-seed1': 63,
  'compacter-learning_rate0.003-seed0': 70,
  'bitfit-learning_rate0.001-seed0': 64,
  'bitfit-learning_rate0.001-seed1': 66,
}
for (const [cell, accuracy] of Object.entries(scores)) {
  const { experiment } = cells.find(({ name }) => name === cell)!
  const { seed, learning_rate } = experiment.training
  const sets = [`method=${experiment.method.kind}`, `training.seed=${seed}`, `training.learning_rate=${learning_rate}`]
  writeRun(join(folder, cell), { sets, test: { accuracy }, result: { validation: { accuracy: accuracy + 1 } } })
}
writeRun(join(folder, 'bitfit-learning_rate0.003-seed0'), { sets: ['method=bitfit'], finished: false, steps: 7 })
mkdirSync(join(folder, 'bitfit-learning_rate0.003-seed1'))
writeFailure(folder, 'bitfit-learning_rate0.003-seed1', 'The loss is NaN at step 3, "so it ends".')

test('a method that is written as a mapping has its name in tables', async () => {
  const results = await readResults(folder)
  const summary = results.summary.map((row) => ({ ...row, axes: { method: { preset: 'ia3', scaled_inputs: [] } } }))
  const named = { ...results, axes: ['method'], summary, best: [], best_cell: [] }
  for (const format of ['table', 'markdown'] as const)
    expect(formatResults(named, format)).toContain(
      format === 'table' ? '│ ia3, scaled_inputs = [] │' : '| ia3, scaled\\_inputs',
    )
})

// expected: statistics.mean and statistics.stdev of Python over the scores above
test('tables: mean ± sample deviation over seeds, the best of every value on validation, what is missing and why', async () => {
  expect(formatResults(await readResults(folder), 'table')).toBe(`\
┌───────────┬───────────────┬────────┬─────────────────────┬───────────────┐
│ preset    │ learning_rate │   runs │ validation accuracy │ test accuracy │
├───────────┼───────────────┼────────┼─────────────────────┼───────────────┤
│ compacter │         0.001 │      2 │        62.50 ± 2.12 │  61.50 ± 2.12 │
│ compacter │         0.003 │ 1 of 2 │               71.00 │         70.00 │
│ bitfit    │         0.001 │      2 │        66.00 ± 1.41 │  65.00 ± 1.41 │
└───────────┴───────────────┴────────┴─────────────────────┴───────────────┘
┌───────────────┬───────────┬─────────────────────┬────────┬──────────────┬──────────────┐
│ axis          │ value     │ best with           │   runs │   validation │         test │
├───────────────┼───────────┼─────────────────────┼────────┼──────────────┼──────────────┤
│ preset        │ compacter │ learning_rate 0.003 │ 1 of 2 │        71.00 │        70.00 │
│ preset        │ bitfit    │ learning_rate 0.001 │      2 │ 66.00 ± 1.41 │ 65.00 ± 1.41 │
│ learning_rate │ 0.001     │ preset bitfit       │      2 │ 66.00 ± 1.41 │ 65.00 ± 1.41 │
│ learning_rate │ 0.003     │ preset compacter    │ 1 of 2 │        71.00 │        70.00 │
└───────────────┴───────────┴─────────────────────┴────────┴──────────────┴──────────────┘
Best on validation: preset compacter, learning_rate 0.003 (71.00) in ${folder}/compacter-learning_rate0.003-seed0
8 cells: 5 finished, 1 stopped, 1 waiting, 1 failed.
bitfit-learning_rate0.003-seed1 failed: The loss is NaN at step 3, "so it ends".`)
})

test('CSV has a line a cell, whatever became of it', async () => {
  expect(formatResults(await readResults(folder), 'csv')).toBe(`\
index,name,state,backbone,task,method.preset,training.learning_rate,training.seed,validation_accuracy,test_accuracy,best_step,seconds,trained_parameters,reason
0,compacter-learning_rate0.001-seed0,finished,t5-nano,rotten-tomatoes,compacter,0.001,0,61,60,30,83.4,18368,
1,compacter-learning_rate0.001-seed1,finished,t5-nano,rotten-tomatoes,compacter,0.001,1,64,63,30,83.4,18368,
2,compacter-learning_rate0.003-seed0,finished,t5-nano,rotten-tomatoes,compacter,0.003,0,71,70,30,83.4,18368,
3,compacter-learning_rate0.003-seed1,waiting,t5-nano,rotten-tomatoes,compacter,0.003,1,,,,,,
4,bitfit-learning_rate0.001-seed0,finished,t5-nano,rotten-tomatoes,bitfit,0.001,0,65,64,30,83.4,18368,
5,bitfit-learning_rate0.001-seed1,finished,t5-nano,rotten-tomatoes,bitfit,0.001,1,67,66,30,83.4,18368,
6,bitfit-learning_rate0.003-seed0,stopped,t5-nano,rotten-tomatoes,bitfit,0.003,0,,,,,,
7,bitfit-learning_rate0.003-seed1,failed,t5-nano,rotten-tomatoes,bitfit,0.003,1,,,,,,"The loss is NaN at step 3, ""so it ends""."`)
})

test('Markdown has the same tables', async () => {
  expect(formatResults(await readResults(folder), 'markdown')).toBe(`\
# trial

Scores × 100; mean ± sample standard deviation over runs that differ in seeds only.

| preset | learning\\_rate | runs | validation accuracy | test accuracy |
|---|---|---|---|---|
| compacter | 0.001 | 2 | 62.50 ± 2.12 | 61.50 ± 2.12 |
| compacter | 0.003 | 1 of 2 | 71.00 | 70.00 |
| bitfit | 0.001 | 2 | 66.00 ± 1.41 | 65.00 ± 1.41 |

| axis | value | best with | runs | validation | test |
|---|---|---|---|---|---|
| preset | compacter | learning\\_rate 0.003 | 1 of 2 | 71.00 | 70.00 |
| preset | bitfit | learning\\_rate 0.001 | 2 | 66.00 ± 1.41 | 65.00 ± 1.41 |
| learning\\_rate | 0.001 | preset bitfit | 2 | 66.00 ± 1.41 | 65.00 ± 1.41 |
| learning\\_rate | 0.003 | preset compacter | 1 of 2 | 71.00 | 70.00 |

Best on validation: preset compacter, learning\\_rate 0.003 (71.00) in ${escapeMarkdown(folder)}/compacter-learning\\_rate0.003-seed0

8 cells: 5 finished, 1 stopped, 1 waiting, 1 failed.

- bitfit-learning\\_rate0.003-seed1 failed: The loss is NaN at step 3, "so it ends".`)
})

test('status has every cell, or as many as fit, those first that need attention', async () => {
  const status = await readStatus(folder)
  expect(status.active).toBe(false)
  expect(statusTable(status, 3)).toBe(`\
┌───┬────────────────────────────────────┬─────────┬──────────────┬────────────┬──────┐
│ # │ cell                               │ state   │     progress │ validation │ time │
├───┼────────────────────────────────────┼─────────┼──────────────┼────────────┼──────┤
│ 3 │ compacter-learning_rate0.003-seed1 │ waiting │              │            │      │
│ 6 │ bitfit-learning_rate0.003-seed0    │ stopped │ step 7 of 40 │            │      │
│ 7 │ bitfit-learning_rate0.003-seed1    │ failed  │              │            │      │
└───┴────────────────────────────────────┴─────────┴──────────────┴────────────┴──────┘
… and 5 more
8 cells: 5 finished, 1 stopped, 1 waiting, 1 failed.
bitfit-learning_rate0.003-seed1 failed: The loss is NaN at step 3, "so it ends".`)
  expect(statusTable(status)).toContain(
    '│ 0 │ compacter-learning_rate0.001-seed0 │ finished │ best step 30 │ accuracy 61.00 │ 1 min 23 s │',
  )
})

test('cells of one row that were not trained on the same rows are named, next to their mean', async () => {
  const name = 'bitfit-learning_rate0.001-seed1'
  const manifest = join(folder, name, 'manifest.json')
  const before = readFileSync(manifest, 'utf8')
  const changed = JSON.parse(before)
  changed.data_sha256.train = '44'.repeat(32)
  writeFileSync(manifest, JSON.stringify(changed))
  const results = await readResults(folder)
  writeFileSync(manifest, before)
  const caution = `${name} has other train data than bitfit-learning_rate0.001-seed0; their mean is of unlike runs.`
  expect(results.cautions).toEqual([caution])
  expect(formatResults(results, 'table')).toContain(`\nCaution: ${caution}\n`)
  expect(formatResults(results, 'markdown')).toContain(`\n- Caution: ${caution.replaceAll('_', '\\_')}\n`)
  expect((await readResults(folder)).cautions).toEqual([])
})

/** A sweep's folder whose cells are finished with these scores, in their order; `undefined` is a cell that waits. */
function swept(name: string, axesYaml: string, scores: (number | undefined)[], metric = 'accuracy'): string {
  const made = join(outside, name)
  writeFileSync(file, `experiment: quickstart\naxes:\n${axesYaml}`)
  const { axes, cells, yaml } = loadSweep(file)
  prepareFolder(made, { name, axes, slurm: {}, cells }, yaml, { flag: '--dir', keep: false })
  expect(cells.length).toBe(scores.length)
  for (const [i, { name }] of cells.entries())
    if (scores[i] !== undefined) writeRun(join(made, name), { test: { [metric]: scores[i] } })
  return made
}

const bestLines = async (folder: string) =>
  formatResults(await readResults(folder), 'table').match(/^Best on validation.*$/gm)

test('one axis: the best cell of the setting with the best mean, which need not be the best of all', async () => {
  const rates = '  training.learning_rate: [0.001, 0.003]\n  training.seed: [0, 1]\n'
  const one = swept('one', rates, [70, 50, 63, 64])
  const name = 'learning_rate0.003-seed1'
  expect(await bestLines(one)).toEqual([`Best on validation: learning_rate 0.003 (63.50 ± 0.71) in ${one}/${name}`])
  expect((await readResults(one)).best_cell).toEqual([
    {
      task: 'rotten-tomatoes',
      name,
      folder: join(one, name),
      axes: { 'training.learning_rate': 0.003, 'training.seed': 1 },
      validation_score: 64,
      setting_score: { mean: 63.5, std: Math.SQRT1_2 },
      ties: 0,
    },
  ])
})

test('seeds only: the best seed, by its own score', async () => {
  const seeds = swept('seeds', '  training.seed: [0, 1, 2]\n', [60, 62, 61])
  expect(await bestLines(seeds)).toEqual([`Best on validation: seed 1 (62.00) in ${seeds}/seed1`])
})

test('the best of a tie is the first in the order of the sweep, and says so', async () => {
  // means 60 and 61 and 61; of those with 61 the best cells are 61, 61 and 62
  const rates = '  training.learning_rate: [0.001, 0.003, 0.01]\n  training.seed: [0, 1]\n'
  const tied = swept('tied', rates, [70, 50, 61, 61, 60, 62])
  const ties = "tied with 2 others; the first in the sweep's order"
  expect(await bestLines(tied)).toEqual([
    `Best on validation: learning_rate 0.003 (61.00 ± 0.00; ${ties}) in ${tied}/learning_rate0.003-seed0`,
  ])
  expect((await readResults(tied)).best_cell).toMatchObject([{ name: 'learning_rate0.003-seed0', ties: 2 }])
})

test('a single cell and a sweep of which nothing is finished have no best', async () => {
  const axis = '  training.learning_rate: [0.001]\n'
  expect((await readResults(swept('single', axis, [60]))).best_cell).toEqual([])
  const nothing = swept('nothing', '  training.seed: [0, 1]\n', [undefined, undefined])
  expect((await readResults(nothing)).best_cell).toEqual([])
  expect(await bestLines(nothing)).toBeNull()
})

test('scores of two tasks are not compared', async () => {
  const two = swept('two', '  task.name: [a, b]\n  method.preset: [compacter, bitfit]\n', [60, 61, 62, 63])
  const { best } = await readResults(two)
  expect(best.map(({ axis, value, task, validation_score }) => [axis, value, task, validation_score.mean])).toEqual([
    ['task.name', 'a', 'a', 61],
    ['task.name', 'b', 'b', 63],
    ['method.preset', 'compacter', 'a', 60],
    ['method.preset', 'compacter', 'b', 62],
    ['method.preset', 'bitfit', 'a', 61],
    ['method.preset', 'bitfit', 'b', 63],
  ])
  expect(await bestLines(two)).toEqual([
    `Best on validation of a: name a, preset bitfit (61.00) in ${two}/a-bitfit`,
    `Best on validation of b: name b, preset bitfit (63.00) in ${two}/b-bitfit`,
  ])
})

test('of errors the lowest is the best of an axis, and the best cell', async () => {
  const rates = '  method.preset: [compacter]\n  training.learning_rate: [0.1, 0.2]\n'
  const { best, best_cell } = await readResults(swept('errors', rates, [0.3, 0.6], 'mae'))
  const [first] = best.filter(({ axis }) => axis === 'method.preset')
  expect(first!.axes['training.learning_rate']).toBe(0.1)
  expect(best_cell).toMatchObject([{ validation_score: 0.3 }])
})

test('what it leaves for people and programs; a report takes the folder, and lists what failed', async () => {
  const results = await readResults(folder)
  await writeResults(results)
  expect(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(results)))
  expect(readFileSync(join(folder, 'results.csv'), 'utf8')).toBe(`${formatResults(results, 'csv')}\n`)
  const page = readFileSync(join(folder, 'report.html'), 'utf8')
  expect(page.match(/<svg /g)!.length).toBeGreaterThan(2)
  expect(page).toContain('<span>compacter, learning_rate = 0.001, seed = 0</span>') // whole in a legend
  const { groups, left_out } = await writeReport([folder], { format: 'markdown', out: undefined, force: false })
  expect(groups.map(({ method, runs }) => [method, runs.length])).toEqual([
    ['compacter, learning_rate = 0.003', 1],
    ['bitfit, learning_rate = 0.001', 2],
    ['compacter, learning_rate = 0.001', 2],
    ['bitfit, learning_rate = 0.0003', 1], // not finished
  ])
  expect(left_out).toContainEqual({
    folder: join(folder, 'bitfit-learning_rate0.003-seed1'),
    reason: 'failed: The loss is NaN at step 3, "so it ends".',
  })
})

test('a sweep is under way while its process has its lock, also between two cells', async () => {
  expect((await readStatus(folder)).active).toBe(false)
  const inside = () => readStatus(folder)
  expect((await withLock(`${folder}.lock`, inside, patiently(expect.fail))).active).toBe(true)
  expect((await readStatus(folder)).active).toBe(false)
})
