import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median } from '../../src/base/numbers/quantile.js'
import { packageRoot } from '../../src/base/root.js'

/**
 * Milliseconds of a step of Compacter on so many rows: by one process on one core; by one rank, and by two with a core
 * each, that share the rows. They take turns, three times each.
 */
export async function speed(backbone: string, rows: number, steps: number): Promise<void> {
  const step = [process.execPath, '--import', 'tsx', join(packageRoot, 'bench/mpi/step.ts'), backbone, rows, steps].map(
    String,
  )
  const mpirun = ['mpirun.openmpi', '--bind-to', 'none']
  const pinned = (core: number) => ['-n', '1', 'taskset', '-c', String(core), ...step, 'mpi']
  const ways = {
    'one process': ['taskset', '-c', '0', ...step],
    'one rank': [...mpirun, ...pinned(0)],
    'two ranks': [...mpirun, ...pinned(0), ':', ...pinned(1)],
  }
  const times = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]))
  for (let turn = 0; turn < 3; turn++)
    for (const [name, [program, ...args]] of Object.entries(ways)) {
      const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' }
      const { stdout } = await promisify(execFile)(program!, args, { cwd: packageRoot, env })
      times.get(name)!.push(...JSON.parse(stdout))
    }
  const alone = times.get('one process')!
  console.log(`${backbone}, ${rows} rows of 64 tokens, targets of 4, ${steps} steps, three turns each\n`)
  console.log('| | ms a step, median | fastest | efficiency, of medians | of fastest |\n|---|---|---|---|---|')
  for (const [name, all] of times) {
    const cores = name === 'two ranks' ? 2 : 1
    const efficiency = (of: (times: number[]) => number) => (of(alone) / cores / of(all)).toFixed(2)
    const figures = [median(all).toFixed(1), fastest(all).toFixed(1), efficiency(median), efficiency(fastest)]
    console.log(`| ${[name, ...figures].join(' | ')} |`)
  }
}

const fastest = (times: number[]) => Math.min(...times)
