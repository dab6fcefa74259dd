import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { affordableJobs } from '../../src/sweep/plan/memory.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { newFolder, writeRun } from '../report/runs.js'

const outside = newFolder()
const file = join(outside, 'trial.yaml')
writeFileSync(file, 'experiment: quickstart\naxes:\n  training.seed: [0, 1, 2, 3, 4]\n')
const { name, axes, slurm, cells, yaml } = loadSweep(file)

/** How many of the four that are left run at once, where the finished one took so much memory; and the warnings. */
async function jobsOf(peak_memory_bytes: number): Promise<[number, string[]]> {
  const folder = join(outside, `${peak_memory_bytes}`)
  const planned = prepareFolder(folder, { name, axes, slurm, cells }, yaml, { flag: '--dir', keep: false })
  writeRun(join(folder, 'seed0'), { result: { peak_memory_bytes } })
  const warnings: string[] = []
  const progress = { ...silent, warn: (text: string) => void warnings.push(text) }
  const jobs = await affordableJobs(folder, planned, [1, 2, 3, 4], { jobs: 8, progress, interrupted: () => false })
  return [jobs, warnings]
}

test.each(['prefix-tuning', 'prompt-tuning-r'])('of %s, cells of more positions are larger', async (method) => {
  const [file, folder] = [join(outside, `${method}.yaml`), join(outside, method)]
  const axes = '  method.length: [7, 70]\n  training.seed: [0, 1]\n'
  writeFileSync(file, `experiment: quickstart\nset: { method.preset: ${method} }\naxes:\n${axes}`)
  const sweep = loadSweep(file)
  const planned = prepareFolder(folder, sweep, sweep.yaml, { flag: '--dir', keep: false })
  const [short, , long] = sweep.cells
  writeRun(join(folder, short!.name), { result: { peak_memory_bytes: 1 } })
  writeRun(join(folder, long!.name), { result: { peak_memory_bytes: 2 ** 60 } })
  const options = { jobs: 8, progress: silent, interrupted: () => false }
  expect(await affordableJobs(folder, planned, [1, 3], options)).toBe(1)
})

test('no more cells run at once than are left', async () => {
  expect(await jobsOf(1e6)).toEqual([4, []])
})

test('no more cells run at once than fit into the memory, and one always', async () => {
  const [jobs, warnings] = await jobsOf(2 ** 60)
  expect(jobs).toBe(1)
  expect(warnings).toEqual([
    expect.stringMatching(/^seed1 needs 1048576 TiB of memory and [\d.]+ [MG]iB are free: 1 at once in place of 4\.$/),
  ])
})
