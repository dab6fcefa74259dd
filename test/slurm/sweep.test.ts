// A sweep on a real SLURM of one node, that start.sh starts where Debian's slurm-wlm and munge are installed.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { launchers } from '../support/launchers.js'

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel']
const path = [...process.env.PATH!.split(delimiter), '/usr/sbin']
const absent = PROGRAMS.filter((program) => !path.some((folder) => existsSync(join(folder, program))))
const missing = absent.length > 0 ? `${absent.join(', ')} not installed: apt install slurm-wlm munge` : ''

const script = (name: string) => join(packageRoot, 'test/slurm', name)
/** So many that a cell lasts beyond the minute in which its limit is told. */
const STEPS = Number(process.env.SLURM_TEST_STEPS ?? 2500)
const training = { steps: 3, batch_size: 4, evaluate_every: 1000, checkpoint_every: 10, source_length: 32 }
const { folder } = smallExperiment(training)

/** Writes a sweep of the small experiment; gives its file and a folder for its cells. */
function sweepOf(name: string, text: string): { file: string; cells: string } {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, `experiment: small.yaml\n${text}`)
  return { file, cells: join(folder, name) }
}

interface Cell {
  name: string
  state: string
  reason?: string
  step?: number
}

async function status(cells: string): Promise<Cell[]> {
  const { code, stdout, stderr } = await compacter(['sweep', 'status', cells, '--json'])
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout).cells
}

/** Asks for the states until they are as wanted. */
async function until(cells: string, wanted: (cells: Cell[]) => boolean): Promise<Cell[]> {
  for (;;) {
    const now = await status(cells)
    const failed = now.find(({ state }) => state === 'failed')
    if (failed) throw new Error(`${failed.name} failed: ${failed.reason}`)
    if (wanted(now)) return now
    await sleep(500)
  }
}

/** Why SLURM can't start ranks here; empty where it can. */
function noRanks(): string {
  if (!launchers.some(({ name }) => name === 'Open MPI')) return 'no Open MPI'
  const kinds = execFileSync('sh', ['-c', 'srun --mpi=list 2>&1'], { encoding: 'utf8' })
  return /pmix/.test(kinds) ? '' : "SLURM's plug-in for PMIx is not there"
}

const allFinished = (cells: Cell[]) => cells.every(({ state }) => state === 'finished')

describe.skipIf(missing)(`a sweep on SLURM${missing && ` (${missing})`}`, { timeout: 900_000 }, () => {
  let cluster = ''
  beforeAll(() => {
    const env = { ...process.env, SLURM_TEST_PORT: String(20_000 + (process.pid % 10_000)) }
    cluster = execFileSync(script('start.sh'), { env, encoding: 'utf8' }).trim().split('\n').at(-1)!
    process.env.SLURM_CONF = join(cluster, 'slurm.conf')
  }, 60_000)
  afterAll(() => {
    if (cluster) execFileSync(script('stop.sh'), [cluster])
  }, 60_000)

  test('goes from sbatch to the table of results: 2 × 2 × 2 cells', async () => {
    const { file, cells } = sweepOf(
      'grid',
      `axes:
  method.preset: [compacter, bitfit]
  training.learning_rate: [0.001, 0.003]
  training.seed: [0, 1]
slurm: { time: "10", cpus: 1, memory: 2G }
`,
    )
    const { code, stdout, stderr } = await compacter(['sweep', 'run', file, '--dir', cells, '--on', 'slurm'])
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^SLURM's job \d+: 8 cells\. Watch: compacter sweep status /)
    const again = await compacter(['sweep', 'run', file, '--dir', cells, '--on', 'slurm'])
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/SLURM's job \d+ has all these cells in its queue/),
    ])
    expect((await until(cells, allFinished)).length).toBe(8)
    const results = await compacter(['sweep', 'results', cells, '--json'])
    const { cells: rows, summary, seeds } = JSON.parse(results.stdout)
    expect(seeds).toEqual(['training.seed'])
    expect(rows.map(({ trained_parameters }: { trained_parameters: number }) => trained_parameters)).toEqual([
      ...Array(4).fill(18368),
      ...Array(4).fill(35776),
    ])
    expect(summary.map(({ runs }: { runs: number }) => runs)).toEqual([2, 2, 2, 2])
  })

  test('a cell at its time limit is queued again and resumes, to the bits of an unbroken run', async () => {
    const text = `cells: [{ training.steps: ${STEPS} }]\nslurm: { time: "2", cpus: 1, memory: 2G }\n`
    const limited = sweepOf('limited', text)
    const { code, stderr } = await compacter(['sweep', 'run', limited.file, '--dir', limited.cells, '--on', 'slurm'])
    expect(code, stderr).toBe(0)
    const [{ name }] = (await until(limited.cells, allFinished)) as [Cell]
    expect(readFileSync(join(limited.cells, 'logs/0.log'), 'utf8')).toMatch(/Training, resumed after step \d+/)

    const unbroken = sweepOf('unbroken', text)
    const local = await compacter(['sweep', 'run', unbroken.file, '--dir', unbroken.cells, '--threads', '1'])
    expect(local.code, local.stderr).toBe(0)
    for (const file of ['last.safetensors', 'best.safetensors', 'metrics.jsonl'])
      expect(
        readFileSync(join(limited.cells, name, file)).equals(readFileSync(join(unbroken.cells, name, file))),
        file,
      ).toBe(true)
  })

  test('scancel saves a cell, which is not queued again, and continues from there', async () => {
    const { file, cells } = sweepOf(
      'cancelled',
      'cells: [{ training.steps: 400 }]\nslurm: { time: "10", cpus: 1, memory: 2G }\n',
    )
    const command = ['sweep', 'run', file, '--dir', cells, '--on', 'slurm']
    const { stdout } = await compacter(command)
    const [, job] = /job (\d+)/.exec(stdout)!
    await until(cells, ([cell]) => (cell!.step ?? 0) > 20)
    execFileSync('scancel', [job!])
    await until(cells, ([cell]) => cell!.state === 'stopped')
    await sleep(2000)
    expect(execFileSync('squeue', ['--noheader', '--job', job!], { encoding: 'utf8' }).trim()).toBe('')
    const { code, stderr } = await compacter(command)
    expect(code, stderr).toBe(0)
    await until(cells, allFinished)
    expect(readFileSync(join(cells, 'logs/0.log'), 'utf8')).toMatch(/Training, resumed after step \d+/)
  })

  test('ranks share each step of a cell (needs Open MPI and SLURM with PMIx)', async ({ skip }) => {
    skip(noRanks() !== '', noRanks())
    const { file, cells } = sweepOf('ranks', 'cells: [{ training.steps: 20 }]\nslurm: { ranks: 2, memory: 4G }\n')
    const { code, stderr } = await compacter(['sweep', 'run', file, '--dir', cells, '--on', 'slurm'])
    expect(code, stderr).toBe(0)
    const [cell] = await until(cells, allFinished)
    const { mpi } = JSON.parse(readFileSync(join(cells, cell!.name, 'manifest.json'), 'utf8'))
    expect(mpi.ranks).toHaveLength(2)
  })

  test('ranks save at their time limit and are queued again; scancel saves too (needs Open MPI and SLURM with PMIx)', async ({
    skip,
  }) => {
    skip(noRanks() !== '', noRanks())
    const { file, cells } = sweepOf(
      'limited-ranks',
      'cells: [{ training.steps: 100000 }]\nslurm: { time: "2", ranks: 2, memory: 4G }\n',
    )
    const { stdout } = await compacter(['sweep', 'run', file, '--dir', cells, '--on', 'slurm'])
    const [, job] = /job (\d+)/.exec(stdout)!
    const log = () => readFileSync(join(cells, 'logs/0.log'), 'utf8')
    const saved = () => log().split('Stopped; everything so far is saved.').length - 1
    const resumedAt = () => Number(/Training, resumed after step (\d+)/.exec(log())?.[1] ?? Number.POSITIVE_INFINITY)
    await until(cells, ([cell]) => cell!.state === 'running' && cell!.step! > resumedAt() + 2)
    const before = saved()
    expect(before).toBeGreaterThan(0)
    execFileSync('scancel', [job!])
    await until(cells, ([cell]) => cell!.state === 'stopped' && saved() > before)
  })

  test('a request that the scheduler refuses is reported with its words and the line of the sweep', async () => {
    const { file, cells } = sweepOf('refused', 'cells: [{}]\nslurm:\n  time: "10"\n  partition: nowhere\n')
    const { code, stderr } = await compacter(['sweep', 'run', file, '--dir', cells, '--on', 'slurm'])
    expect(code).toBe(1)
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      `${file}:5:3: SLURM refused the line \`#SBATCH --partition=nowhere\`: invalid partition specified: nowhere. Batch job submission failed: Invalid partition name specified. Partitions here: all.`,
    )
  })
})
