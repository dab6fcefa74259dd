import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withLock } from '../../src/base/lock/lock.js'
import { writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { runsTable } from '../../src/report/tables/runs.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { listRuns } from '../../src/runs/list.js'
import { newFolder, type RunValues, writeRun } from '../report/runs.js'

const folder = newFolder()
const RESTORE = 'Restore it from a copy, or train again with its experiment.yaml in another folder.'
const TENSOR: [string, { shape: number[]; data: Float32Array }][] = [
  ['rule', { shape: [2], data: Float32Array.of(1, 2) }],
]

/** A run with its best tensors and its checkpoint, of the step that `writeRun` names. */
function run(name: string, { finished = true, ...values }: RunValues = {}): string {
  const path = writeRun(join(folder, name), { finished, ...values })
  writeSafetensors(join(path, 'best.safetensors'), TENSOR, { step: '30' })
  mkdirSync(join(path, 'checkpoint'))
  const best = { step: 30, score: 58, validation: { accuracy: 58 } }
  const state = { step: 35, evaluatedStep: 30, best, seconds: 61 }
  writeSafetensors(join(path, 'checkpoint', 'state.safetensors'), TENSOR, { state: JSON.stringify(state) })
  return path
}

beforeAll(() => {
  run('grid/lr-3', { sets: ['training.seed=3'], test: { accuracy: 70.5 } })
  run('grid/lr-20', { sets: ['training.seed=20', 'method.n=8'], test: { accuracy: 66 } })
  run('errors', { task: 'ages', test: { mae: 2.5, pearson: 81 }, sets: ['method=lora'] })
  run('stopped', { finished: false, steps: 37 })
  rmSync(join(run('no-best'), 'best.safetensors'))
  rmSync(join(run('no-manifest'), 'manifest.json'))
  writeSafetensors(join(run('other-step'), 'best.safetensors'), TENSOR, { step: '20' })
  writeFileSync(join(run('cut', { finished: false }), 'checkpoint', 'state.safetensors'), 'x')
  writeFileSync(
    join(run('failed', { finished: false }), 'failure.json'),
    '{"reason": "no memory", "at": "2026-01-01T00:00:00Z"}',
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

const names = (list: { runs: { folder: string }[] }) => list.runs.map((each) => each.folder.slice(folder.length + 1))
const sortedBy = async (sort: string, ...where: string[]) => names(await listRuns(folder, { sort, where }))
const only = async (...where: string[]) => names(await listRuns(folder, { where }))

test('states say what is there, with the reason of a broken one', async () => {
  const { runs } = await listRuns(folder, {})
  const states = runs.map(({ folder: path, state, reason }) => [path.slice(folder.length + 1), state, reason])
  expect(states).toEqual([
    ['cut', 'broken', expect.stringContaining('checkpoint/state.safetensors: ')],
    ['errors', 'finished', undefined],
    ['failed', 'broken', 'failed: no memory'],
    ['grid/lr-3', 'finished', undefined],
    ['grid/lr-20', 'finished', undefined],
    ['no-best', 'broken', `best.safetensors: is missing. ${RESTORE}`],
    ['no-manifest', 'broken', 'manifest.json: is missing. Restore it from a copy.'],
    ['other-step', 'broken', `best.safetensors: holds the tensors of step 20; the result is of step 30. ${RESTORE}`],
    ['stopped', 'interrupted', undefined],
  ])
})

test('what opens a finished run without its best tensors says that they are missing', () => {
  const [path, stopped] = ['no-best', 'stopped'].map((name) => join(folder, name)) as [string, string]
  expect(() => openTrainedRun(path)).toThrow(
    `${path}/best.safetensors: is missing, though the run is finished. ${RESTORE}`,
  )
  const again = join(folder, '..', `${basename(folder)}-again`)
  cpSync(stopped, again, { recursive: true })
  rmSync(join(again, 'best.safetensors'))
  const goOn = `Go on with \`compacter train --resume ${again}\`.`
  expect(() => openTrainedRun(again)).toThrow(`${again}/best.safetensors: is missing. ${goOn}`)
  rmSync(join(again, 'checkpoint'), { recursive: true })
  expect(() => openTrainedRun(again)).toThrow(
    `${again}: has no best checkpoint yet: it was stopped before its first evaluation. ${goOn}`,
  )
  rmSync(again, { recursive: true })
})

test('a run is running while a living process holds its lock, whatever else it looks like', async () => {
  const path = join(folder, 'stopped')
  await withLock(
    `${path}.lock`,
    async () => {
      const { runs } = await listRuns(path, {})
      expect(runs).toMatchObject([{ state: 'running', steps: 37, seconds: 61, validation: { accuracy: 58 } }])
    },
    { busy: () => {}, say: () => {} },
  )
  const { runs } = await listRuns(path, {})
  expect(runs).toMatchObject([{ state: 'interrupted', steps: 35, seconds: 61, validation: { accuracy: 58 } }])
})

test('metrics sort the best first, errors the lowest, and runs without the value come last', async () => {
  run('younger', { task: 'ages', test: { mae: 1.5, pearson: 90 } })
  expect((await sortedBy('accuracy')).slice(0, 3)).toEqual(['grid/lr-3', 'grid/lr-20', 'stopped'])
  expect((await sortedBy('test.accuracy', 'state=finished')).slice(0, 2)).toEqual(['grid/lr-3', 'grid/lr-20'])
  expect((await sortedBy('mae')).slice(0, 2)).toEqual(['younger', 'errors'])
  expect(await sortedBy('score', 'task=ages')).toEqual(['younger', 'errors'])
  expect(await sortedBy('name', 'task=ages')).toEqual(['errors', 'younger'])
  expect(await sortedBy('steps', 'state=interrupted')).toEqual(['stopped'])
  rmSync(join(folder, 'younger'), { recursive: true })
})

test('an unknown column or metric is refused with the near one and all there are', async () => {
  await expect(sortedBy('acuracy')).rejects.toThrow(
    "--sort acuracy: no run here has such a column or metric. Did you mean 'accuracy'? Columns: run, name, method, " +
      'backbone, task, state, steps, time, size, parameters. Metrics: score, mae, pearson, accuracy; test.mae for the ' +
      'test rows.',
  )
  await expect(sortedBy('test.acuracy')).rejects.toThrow("Did you mean 'test.accuracy'?")
})

test('--where takes columns and keys of the experiment, all of which a run must meet', async () => {
  expect(await only('method=lora')).toEqual(['errors'])
  expect(await only('method=compacter', 'state=finished')).toEqual(['grid/lr-3', 'grid/lr-20'])
  expect(await only('method=compacter, n = 8')).toEqual(['grid/lr-20'])
  expect(await only('training.seed=3', 'method.kind=compacter')).toEqual(['grid/lr-3'])
  expect(await only('training.learning_rate=3e-3', 'training.seed=3')).toEqual(['grid/lr-3'])
})

test('a state that no run is in lists nothing; a wrong name of one is refused', async () => {
  expect(await only('state=running')).toEqual([])
  expect(await only('state=running', 'method=lora')).toEqual([])
  expect(await only('state=interrupted', 'method=lora')).toEqual([])
  expect(await sortedBy('accuracy', 'state=running')).toEqual([])
  await expect(sortedBy('acuracy', 'state=running')).rejects.toThrow('no run here has such a column or metric.')
  await expect(only('state=runing')).rejects.toThrow(
    "--where state=runing: no run here has this state. Did you mean 'running'? There is: broken (5), finished (3), " +
      'interrupted (1).',
  )
  expect(runsTable([], ['state=running', 'method=lora'])).toBe('No run here has state=running and method=lora.')
})

test.each([
  [['method'], '--where method: is not of the form key=value. For example --where method=compacter'],
  [
    ['method=compactr'],
    "--where method=compactr: no run here has this method. Did you mean 'compacter'? There is: compacter (7), lora (1), compacter, n = 8 (1).",
  ],
  [
    ['training.sed=1'],
    "--where training.sed=1: no run here has such a key. Did you mean 'training.seed'? Columns: run, name,",
  ],
  [['seed=1'], "Did you mean 'training.seed'?"],
  [
    ['method=lora', 'training.seed=3'],
    '--where method=lora --where training.seed=3: no run here has all of these values. Leave one out.',
  ],
])('--where %j is refused with what there is', async (where, message) => {
  await expect(listRuns(folder, { where })).rejects.toThrow(message)
})

test('a folder without runs, and none, are refused', async () => {
  const empty = join(folder, 'grid', 'lr-3', 'checkpoint')
  await expect(listRuns(empty, {})).rejects.toThrow(
    `${empty}: is not a run and holds none: it has no experiment.yaml. Name folders that`,
  )
  await expect(listRuns(join(folder, 'nowhere'), {})).rejects.toThrow('there is no such folder.')
})

test('the table has a line a run, and the reasons below it', async () => {
  const { runs } = await listRuns(folder, { sort: 'accuracy' })
  const shown = runs.map((each) => ({ ...each, folder: each.folder.slice(folder.length + 1), bytes: 2048 }))
  const lines = runsTable(shown)
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' '))
  expect(lines[1]).toBe('│ run │ name │ method │ backbone │ task │ validation │ test │ steps │ time │ size │ state │')
  expect(lines).toContain(
    '│ grid/lr-3 │ quickstart │ compacter │ t5-nano │ rotten-tomatoes │ accuracy 70.50 │ accuracy 70.50 │ 40 │ 1 min 23 s │ 2.00 KiB │ finished │',
  )
  expect(lines).toContain(
    '│ stopped │ quickstart │ compacter │ t5-nano │ rotten-tomatoes │ accuracy 58.00 │ – │ 35 │ 1 min 1 s │ 2.00 KiB │ interrupted │',
  )
  expect(lines).toContain('9 runs, 18.0 KiB.')
  expect(lines).toContain(`no-best: best.safetensors: is missing. ${RESTORE}`)
})
