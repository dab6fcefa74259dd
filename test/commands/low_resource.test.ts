import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runExperiment } from '../../src/run/experiment.js'
import { compacter, smallExperiment, start } from '../support/cli.js'
import { engines } from '../support/engines.js'

const engine = ['--engine', engines[0]!, '--threads', '1']
const training = {
  steps: 3,
  batch_size: 4,
  evaluate_every: 3,
  checkpoint_every: 1,
  source_length: 32,
  seed: 1,
  warmup_steps: 3,
}
const { folder, file } = smallExperiment(training)
const grid = join(folder, 'grid')
const sizes = [6, 12]
const command = ['train', file, '--low-resource', '--sizes', '6,12', '--seeds', '2', '--run-dir', grid, ...engine]
const cells = ['compacter-6-seed0', 'compacter-12-seed0', 'compacter-6-seed1', 'compacter-12-seed1']

const result = (cell: string) => join(grid, cell, 'result.json')
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const touched = () =>
  cells.filter((cell) => existsSync(result(cell))).map((cell) => [cell, statSync(result(cell)).mtimeMs])

test('stopped by Ctrl-C it says how to go on, killed it has its finished cells, and the same command ends the grid', async () => {
  const first = start(command)
  while (!existsSync(result(cells[0]!))) await new Promise((resolve) => setTimeout(resolve, 5))
  first.process.kill('SIGINT')
  const stopped = await first.ended
  expect(stopped.code, stopped.stderr).toBe(130)
  expect(stopped.stderr).toMatch(
    /Stopped; 1 of 4 cells are finished and everything so far is saved\. Go on with: compacter train .* --low-resource .*\n$/,
  )
  expect(existsSync(join(grid, 'results.json'))).toBe(false)

  const second = start(command)
  while (!existsSync(result(cells[1]!))) await new Promise((resolve) => setTimeout(resolve, 5))
  second.process.kill('SIGKILL')
  await second.ended
  const before = touched()
  expect(before.map(([cell]) => cell)).toEqual(cells.slice(0, 2))

  const third = await compacter([...command, '--json'])
  expect(third.code, third.stderr).toBe(0)
  expect(third.stderr).toContain('2 of 4 cells are finished already.\n')
  expect(third.stderr).toMatch(/^3 of 4 compacter-6-seed1, about \d+ s left$/m)
  expect(touched().slice(0, 2)).toEqual(before)
  expect(JSON.parse(third.stdout)).toEqual(read(join(grid, 'results.json')))
  expect(readFileSync(join(grid, 'sweep.yaml'), 'utf8')).toContain('\nset:\n  training.warmup_steps: 1\naxes:\n')
})

test('a cell is an ordinary run of the same experiment on that subset', async () => {
  const alone = join(folder, 'alone')
  // a grid's runs warm up for half of their steps at most
  const sets = ['task.subset.size=12', 'task.subset.seed=1', 'training.warmup_steps=1'].flatMap((set) => ['--set', set])
  const { code, stderr } = await compacter(['train', file, ...sets, '--run-dir', alone, ...engine])
  expect(code, stderr).toBe(0)
  const cell = join(grid, 'compacter-12-seed1')
  for (const name of ['last.safetensors', 'metrics.jsonl'])
    expect(readFileSync(join(cell, name)).equals(readFileSync(join(alone, name))), name).toBe(true)
  expect(runExperiment(join(cell, 'experiment.yaml'))).toEqual(runExperiment(join(alone, 'experiment.yaml')))
})

test('the table, results.json and results.csv hold mean and sample standard deviation of the cells', async () => {
  const { code, stdout, stderr } = await compacter(command)
  expect(code, stderr).toBe(0)
  const { summary } = read(join(grid, 'results.json'))
  for (const [i, size] of sizes.entries()) {
    const row = stdout.split('\n').find((line) => line.includes(`│ ${String(size).padStart(13)} │`))!
    for (const split of ['validation', 'test']) {
      const [a, b] = [0, 1].map((seed) => read(result(`compacter-${size}-seed${seed}`))[split].accuracy) as [
        number,
        number,
      ]
      const mean = (a + b) / 2
      const std = Math.abs(a - b) / Math.SQRT2 // of two values, with n − 1
      expect(summary[i]).toMatchObject({ method: 'compacter', size, runs: 2 })
      expect(summary[i][split].accuracy.mean).toBeCloseTo(mean, 10)
      expect(summary[i][split].accuracy.std).toBeCloseTo(std, 10)
      expect(row).toContain(`${mean.toFixed(2)} ± ${std.toFixed(2)}`)
    }
  }
  const lines = readFileSync(join(grid, 'results.csv'), 'utf8').split('\n').slice(0, -1)
  expect(lines[0]).toBe('method,size,seed,validation_accuracy,test_accuracy,best_step,seconds')
  for (const [i, cell] of cells.entries()) {
    const { validation, test, best_step, seconds } = read(result(cell))
    const [method, size, seed] = cell.replace('seed', '').split('-')
    expect(lines[i + 1]).toBe([method, size, seed, validation.accuracy, test.accuracy, best_step, seconds].join())
  }
  expect(readFileSync(join(grid, 'curve.svg'), 'utf8')).toMatch(
    /^<svg [\s\S]*t5-nano on small, 3 steps, 2 subsets per size[\s\S]*<\/svg>$/,
  )
  expect(readFileSync(join(grid, 'curve.svg'), 'utf8')).not.toMatch(/\d of \d/)
})

test('a cell that fails is reported with its reason and tried again the next time; the others continue', async () => {
  const [, , broken, missing] = cells.map((cell) => join(grid, cell)) as [string, string, string, string]
  rmSync(join(broken, 'result.json'))
  const checkpoint = join(broken, 'checkpoint', 'state.safetensors')
  writeFileSync(checkpoint, 'no checkpoint')
  rmSync(missing, { recursive: true })
  const { code, stdout, stderr } = await compacter([...command, '--json'])
  expect(code, stderr).toBe(1)
  const { failed, summary } = JSON.parse(stdout)
  expect(failed).toEqual([
    { method: 'compacter', size: 6, seed: 1, run: cells[2], reason: expect.stringContaining(`${checkpoint}: `) },
  ])
  expect(stderr).toContain(`Warning: ${cells[2]} failed: ${failed[0].reason}\n`)
  expect(summary.map(({ runs }: { runs: number }) => runs)).toEqual([1, 2])
  expect(summary[0].test.accuracy.std).toBeNull()
  const table = (await compacter(command)).stdout
  expect(table).toContain(`\n${cells[2]} failed: ${failed[0].reason}\n`)
  expect(table).toMatch(/│ compacter │ +6 │ 1 of 2 │/)
  expect(readFileSync(join(grid, 'results.md'), 'utf8')).toContain('| compacter | 6 | 1 of 2 |')
  const chart = readFileSync(join(grid, 'curve.svg'), 'utf8')
  expect(chart).toContain('>1 of 2<')
  expect(chart).toContain('3 of 4 runs are finished; points of fewer are marked')

  rmSync(broken, { recursive: true })
  const again = await compacter(command)
  expect(again.code, again.stderr).toBe(0)
  expect(read(join(grid, 'results.json')).cells.length).toBe(4)
})

test('the whole grid is checked before anything starts', async () => {
  const refused = async (...more: string[]) => {
    const fresh = join(folder, 'refused')
    const { code, stderr } = await compacter(['train', file, '--low-resource', '--run-dir', fresh, ...engine, ...more])
    expect(existsSync(fresh)).toBe(false)
    return [code, stderr.split('\n').at(-2)]
  }
  expect(await refused('--sizes', '6,65')).toEqual([
    1,
    '--sizes 65: a subset of 65 rows; the training split of small has 64. Choose 64 or fewer.',
  ])
  expect(await refused()).toEqual([
    1,
    "The task small has 64 training rows, fewer than 100, the paper's smallest size. Name sizes with --sizes.",
  ])
  expect(await refused('--sizes', '6', '--methods', 'compacter,adaptor')).toEqual([
    2,
    '--methods adaptor: there is no such preset. Did you mean adapter?',
  ])
  expect(await refused('--sizes', '6', '--set', 'training.steps=null', '--set', 'training.epochs=2')).toEqual([
    2,
    '--set training.epochs=2: training.epochs is given; low-resource runs take the same number of steps whatever the size. The paper takes 1000: --set training.epochs=null --set training.steps=1000.',
  ])
  const other = await compacter([...command, '--set', 'training.steps=4'])
  expect([other.code, other.stderr.split('\n').at(-2)]).toEqual([
    1,
    `${join(grid, cells[0]!)}: was trained by another experiment, or by this one with other values. Choose another folder with --run-dir, or delete this one.`,
  ])
})
