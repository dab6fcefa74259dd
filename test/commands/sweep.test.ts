import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { runExperiment } from '../../src/run/experiment.js'
import { compacter, type Started, smallExperiment, start } from '../support/cli.js'
import { engines } from '../support/engines.js'

const engine = ['--engine', engines[0]!, '--threads', '1']
const training = { steps: 3, batch_size: 4, evaluate_every: 3, checkpoint_every: 1, source_length: 32 }
const { folder } = smallExperiment(training)
const sweepFile = join(folder, 'trial.yaml')
const sweepOf = (seeds: number[], more = '') =>
  writeFileSync(
    sweepFile,
    `experiment: small.yaml\n${more}axes:\n  method.preset: [compacter, bitfit]\n  training.seed: [${seeds}]\n`,
  )
sweepOf([0, 1])
const runs = join(folder, 'runs')
const command = ['sweep', 'run', sweepFile, '--dir', runs, ...engine]
const cells = ['compacter-seed0', 'compacter-seed1', 'bitfit-seed0', 'bitfit-seed1']

const file = (cell: string, name: string) => join(runs, cell, name)
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const finished = () => cells.filter((cell) => existsSync(file(cell, 'result.json')))
const touched = () => finished().map((cell) => [cell, statSync(file(cell, 'result.json')).mtimeMs])
const holder = ({ process }: Started, lock: string) => `process ${process.pid} on ${hostname()} holds ${lock}`
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)
const until = async (condition: () => boolean) => {
  while (!condition()) await sleep(5)
}
const states = async () =>
  JSON.parse((await compacter(['sweep', 'status', runs, '--json'])).stdout).cells.map(
    ({ state }: { state: string }) => state,
  )

test('--dry-run counts, times and weighs every cell, measures what trains alike once, and writes nothing', async () => {
  const { code, stdout, stderr } = await compacter([...command, '--dry-run', '--json'])
  expect(code, stderr).toBe(0)
  const plan = JSON.parse(stdout)
  expect(plan).toMatchObject({ name: 'trial', axes: ['method.preset', 'training.seed'], measured: 2 })
  expect(
    plan.cells.map(({ name, trained_parameters, steps, fits }: Record<string, unknown>) => [
      name,
      trained_parameters,
      steps,
      fits,
    ]),
  ).toEqual([
    ['compacter-seed0', 18368, 3, true],
    ['compacter-seed1', 18368, 3, true],
    ['bitfit-seed0', 35776, 3, true],
    ['bitfit-seed1', 35776, 3, true],
  ])
  for (const { estimated_seconds, peak_memory_bytes } of plan.cells) {
    expect(estimated_seconds).toBeGreaterThan(0)
    expect(peak_memory_bytes).toBeGreaterThan(100e6)
  }
  expect(existsSync(runs)).toBe(false)
  expect(stderr).toContain('Measuring training 2 of 2: bitfit-seed0\n')
})

test('stopped by Ctrl-C it says how to go on, killed it has its finished cells, and the same command ends the sweep', async () => {
  const first = start(command)
  await until(() => finished().length === 1)
  const second = await compacter(command.with(4, `${runs}/`))
  expect([second.code, lastLine(second.stderr)]).toEqual([
    1,
    `${runs}: another process is running this sweep: ${holder(first, `${runs}.lock`)}. Wait for it, or choose another folder with --dir.`,
  ])
  first.process.kill('SIGINT')
  const stopped = await first.ended
  expect(stopped.code, stopped.stderr).toBe(130)
  const done = finished().length
  expect(lastLine(stopped.stderr)).toBe(
    `Stopped; ${done} of 4 cells are finished and everything so far is saved. Go on with: compacter ${command.join(' ')}`,
  )
  expect(existsSync(join(runs, 'results.json'))).toBe(false)

  const third = start(command)
  await until(() => finished().length > done)
  third.process.kill('SIGKILL')
  await third.ended
  const before = touched()
  await until(() => cells.every((cell) => !existsSync(join(runs, `${cell}.lock`)))) // its cell saves and ends by itself

  const last = start([...command, '--jobs', '2', '--json'])
  await until(() => existsSync(`${runs}.lock`) && read(`${runs}.lock`).pid === last.process.pid)
  expect(await states()).not.toContain('running')
  const watching = await compacter(['sweep', 'status', runs, '--watch'])
  expect([watching.code, watching.stdout.match(/^4 cells: .*$/gm)?.at(-1)]).toEqual([0, '4 cells: 4 finished.'])
  const fourth = await last.ended
  expect(fourth.code, fourth.stderr).toBe(0)
  expect(fourth.stderr).toMatch(new RegExp(`^${before.length} of 4 cells (is|are) finished already\\.$`, 'm'))
  expect(touched().slice(0, before.length)).toEqual(before)
  expect(JSON.parse(fourth.stdout)).toEqual(read(join(runs, 'results.json')))
  expect(await states()).toEqual(['finished', 'finished', 'finished', 'finished'])
  expect(readdirSync(runs).sort()).toEqual(
    [...cells, 'cells.json', 'logs', 'report.html', 'results.csv', 'results.json', 'results.md', 'sweep.yaml'].sort(),
  )
})

test('a cell is an ordinary run of the same experiment with those values, to the bit', async () => {
  const alone = join(folder, 'alone')
  const sets = ['method.preset=bitfit', 'training.seed=1'].flatMap((set) => ['--set', set])
  const { code, stderr } = await compacter([
    'train',
    join(folder, 'small.yaml'),
    ...sets,
    '--run-dir',
    alone,
    ...engine,
  ])
  expect(code, stderr).toBe(0)
  for (const name of ['last.safetensors', 'metrics.jsonl'])
    expect(readFileSync(file('bitfit-seed1', name)).equals(readFileSync(join(alone, name))), name).toBe(true)
  const cell = runExperiment(file('bitfit-seed1', 'experiment.yaml'))
  expect(cell).toEqual(runExperiment(join(alone, 'experiment.yaml')))
})

test('two cells at once, none of them trained before', async () => {
  const fresh = join(folder, 'fresh')
  const { code, stderr } = await compacter([...command.with(4, fresh), '--jobs', '2'])
  expect(code, stderr).toBe(0)
  expect(stderr).toMatch(/^Memory of compacter-seed0$/m)
  const began = stderr.split('\n').flatMap((line, i) => (/^[12] of 4 /.test(line) ? [i] : []))
  const ended = stderr.split('\n').findIndex((line) => / on validation, /.test(line))
  expect(began.length).toBe(2)
  expect(Math.max(...began)).toBeLessThan(ended)
  for (const cell of cells)
    expect(
      readFileSync(join(fresh, cell, 'last.safetensors')).equals(readFileSync(file(cell, 'last.safetensors'))),
      cell,
    ).toBe(true)
})

test('a cell that fails is listed with its reason and left alone until --retry-failed', async () => {
  rmSync(file('bitfit-seed0', 'result.json'))
  const checkpoint = file('bitfit-seed0', 'checkpoint/state.safetensors')
  writeFileSync(checkpoint, 'no checkpoint')
  const first = await compacter(command)
  expect(first.code, first.stderr).toBe(1)
  const { reason, at } = read(file('bitfit-seed0', 'failure.json'))
  expect(reason).toContain(`${checkpoint}: `)
  expect(new Date(at).toISOString()).toBe(at)
  expect(first.stdout).toContain(`\n4 cells: 3 finished, 1 failed.\nbitfit-seed0 failed: ${reason}\n`)

  rmSync(file('bitfit-seed0', 'checkpoint'), { recursive: true })
  rmSync(file('bitfit-seed0', 'best.safetensors')) // tensors without their checkpoint are not written over
  const second = await compacter(command)
  expect(second.code).toBe(1)
  expect(second.stderr).toContain('Warning: 1 failed before and are left out; --retry-failed tries them again.\n')
  expect(await states()).toEqual(['finished', 'finished', 'failed', 'finished'])

  mkdirSync(file('bitfit-seed0', 'checkpoint'))
  const third = await compacter([...command, '--retry-failed'])
  expect(third.code, third.stderr).toBe(0)
  expect(existsSync(file('bitfit-seed0', 'failure.json'))).toBe(false)
  expect(await states()).toEqual(['finished', 'finished', 'finished', 'finished'])
})

test('sweep cell trains one cell: stopped it has saved, held by another it does nothing, and it resumes', async () => {
  sweepOf([0, 1, 2], 'set: { training.steps: 3 }\n')
  const more = await compacter([...command, '--dry-run'])
  expect(more.code, more.stderr).toBe(0)
  const growing = start(command) // cells 4 and 5 are new
  await until(() => existsSync(join(runs, 'compacter-seed2.lock')))
  const cell = (index: number) => ['sweep', 'cell', runs, `${index}`, ...engine]
  const lock = join(runs, 'compacter-seed2.lock')
  const { pid } = read(lock)
  process.kill(pid, 'SIGSTOP') // so that it holds the cell until the other has tried, on a busy machine too
  const busy = await compacter(cell(4))
  process.kill(pid, 'SIGCONT')
  expect([busy.code, lastLine(busy.stderr)]).toEqual([
    75,
    `${join(runs, 'compacter-seed2')}: another process is training this run: process ${pid} on ${hostname()} holds ${lock}. Wait for it, or choose another folder with --run-dir.`,
  ])
  growing.process.kill('SIGTERM')
  expect((await growing.ended).code).toBe(130)
  expect(read(join(runs, 'cells.json')).cells.map(({ name }: { name: string }) => name)).toEqual([
    ...cells,
    'compacter-seed2',
    'bitfit-seed2',
  ])

  const stopped = start(cell(5))
  await until(() => existsSync(file('bitfit-seed2', 'metrics.jsonl'))) // before, it would end at once
  stopped.process.kill('SIGTERM')
  const { code, stderr } = await stopped.ended
  expect(code, stderr).toBe(130)
  expect(existsSync(file('bitfit-seed2', 'failure.json'))).toBe(false)
  const resumed = await compacter([...cell(5), '--json'])
  expect(resumed.code, resumed.stderr).toBe(0)
  expect(JSON.parse(resumed.stdout)).toEqual(read(file('bitfit-seed2', 'result.json')))
  const outside = await compacter(cell(6))
  expect([outside.code, outside.stderr]).toEqual([2, 'There is no cell 6. Cells: 0 to 5.\n'])
})

test('a sweep mixes no orders of rows: a cell of a version that sorted them by length is refused', async () => {
  sweepOf([0, 1, 2])
  const manifest = file('compacter-seed0', 'manifest.json')
  const { row_order, ...older } = read(manifest)
  expect(row_order).toBe('random')
  writeFileSync(manifest, JSON.stringify({ ...older, git_commit: 'abc' }))
  const { code, stderr } = await compacter(command)
  expect([code, lastLine(stderr)]).toEqual([
    1,
    `${manifest}: the run took its rows in another order than this version of compacter would: sorted by length in windows of 50 batches. Go on with the version that began it (${older.compacter}, commit abc), or choose another folder with --dir.`,
  ])
  writeFileSync(manifest, JSON.stringify({ row_order, ...older }))
})

test('a folder refuses another sweep', async () => {
  const refused = async () => {
    const { code, stderr } = await compacter(command)
    return [code, lastLine(stderr)]
  }
  sweepOf([0, 1])
  expect(await refused()).toEqual([
    1,
    `${runs}: holds cells that this sweep has not: compacter-seed2, bitfit-seed2. A sweep may grow, not shrink: choose another folder with --dir.`,
  ])
  sweepOf([0, 1, 2], 'set: { training.steps: 4 }\n')
  expect(await refused()).toEqual([
    1,
    `${file('compacter-seed0', '')}: was trained by another experiment, or by this one with other values. Choose another folder with --dir, or delete this one.`.replace(
      '/: was',
      ': was',
    ),
  ])
  writeFileSync(sweepFile, 'experiment: small.yaml\naxes:\n  task.subset.size: [8, 65]\n  task.subset.seed: [0]\n')
  expect(await refused()).toEqual([
    2,
    `${sweepFile}:3:25: a subset of 65 rows; the training split of small has 64. Choose 64 or fewer.`,
  ])
  const none = await compacter(['sweep', 'status', folder])
  expect([none.code, none.stderr]).toEqual([
    1,
    `${folder}: is not a sweep: it has no cells.json. Name a folder that \`compacter sweep run\` made, such as runs/quick.\n`,
  ])
})
