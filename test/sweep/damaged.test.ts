import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { formatResults } from '../../src/report/sweep/sweep.js'
import { writeResults } from '../../src/report/sweep/write.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { readResults } from '../../src/sweep/results/results.js'
import { readStatus } from '../../src/sweep/results/status.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { cellsLeft } from '../../src/sweep/run/run.js'
import { newFolder, writeRun } from '../report/runs.js'

const SEEDS = [0, 1, 2, 3, 4]
const AGAIN = 'Restore it from a copy.'

let folder: string
let warned: string[]
let prepare: () => ReturnType<typeof prepareFolder>

/** Five finished cells. */
beforeEach(() => {
  const outside = newFolder()
  const file = join(outside, 'trial.yaml')
  writeFileSync(
    file,
    `experiment: quickstart\nset: { training.steps: 40, training.evaluate_every: 10, training.warmup_steps: 5 }\naxes:\n  training.seed: [${SEEDS}]\n`,
  )
  folder = join(outside, 'runs')
  warned = []
  const { name, axes, slurm, cells, yaml } = loadSweep(file)
  const warn = (text: string) => void warned.push(text)
  prepare = () => prepareFolder(folder, { name, axes, slurm, cells }, yaml, { flag: '--dir', keep: false, warn })
  prepare()
  for (const seed of SEEDS)
    writeRun(join(folder, `seed${seed}`), {
      sets: [`training.seed=${seed}`, 'training.warmup_steps=5'],
      test: { accuracy: 60 + seed },
    })
})

const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

test('one bad cell stops neither status nor results nor the run of the others', async () => {
  write('seed1/result.json', '{\n  "validation": {\n')
  const experiment = readFileSync(join(folder, 'seed2/experiment.yaml'), 'utf8')
  write('seed2/experiment.yaml', experiment.slice(0, -3))
  rmSync(join(folder, 'seed3'), { recursive: true })
  mkdirSync(join(folder, 'seed3'))
  write('seed3/failure.json', '')

  const results = await readResults(folder)
  expect(results.cells.map(({ state }) => state)).toEqual(['finished', 'failed', 'finished', 'failed', 'finished'])
  expect(results.cells[1]).toMatchObject({
    reason: `${join(folder, 'seed1/result.json')}:3:1: is damaged: it is cut short. ${AGAIN}`,
  })
  expect(results.cells[3]).toMatchObject({
    reason: `${join(folder, 'seed3/failure.json')}: is damaged: there is nothing in it. --retry-failed tries the cell again.`,
  })
  expect(results.summary[0]!.test.accuracy!.mean).toBeCloseTo((60 + 62 + 64) / 3, 10)
  expect(formatResults(results, 'table')).toContain('5 cells: 3 finished, 2 failed.')
  expect((await readStatus(folder)).cells.length).toBe(5)

  const planned = prepare()
  expect(warned).toEqual([
    expect.stringMatching(
      /seed2\/experiment\.yaml:\d+: is damaged: the last line has no end, so it may be cut short\./,
    ),
  ])
  const left = (retryFailed: boolean) => cellsLeft(folder, planned, { progress: silent, retryFailed, running: true })
  expect(await left(false)).toEqual([])
  expect(await left(true)).toEqual([1, 3])
  await writeResults(results)
  expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('is damaged: it is cut short.')
})

test('a damaged cells.json is named with its place, and what is to be done works', async () => {
  const cells = readFileSync(join(folder, 'cells.json'), 'utf8')
  write('cells.json', cells.slice(0, 100))
  const error =
    /cells\.json:\d+:\d+: is damaged: it is cut short\. If none of its jobs is in a queue, delete it: the same `compacter sweep run` writes it again, and keeps what is trained\.$/
  await expect(readStatus(folder)).rejects.toThrow(error)
  expect(prepare).toThrow(error)
  rmSync(join(folder, 'cells.json'))
  prepare()
  expect(readFileSync(join(folder, 'cells.json'), 'utf8')).toBe(cells)
  expect((await readStatus(folder)).cells.map(({ state }) => state)).toEqual(SEEDS.map(() => 'finished'))
})

test.each([
  ['{"jobs": [{"id": "7", "indices": [0', /slurm\.json:1:36: is damaged: it is cut short\. If `squeue` shows none/],
  [
    '{"jobs": [{"id": 7}]}',
    /slurm\.json:1:18: is damaged: jobs\.0\.id: Invalid input: expected string, received number\./,
  ],
])('a damaged slurm.json is named with its place: %s', async (text, expected) => {
  write('slurm.json', text)
  await expect(readStatus(folder)).rejects.toThrow(expected)
})
