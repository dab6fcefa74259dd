import { join, resolve } from 'node:path'
import { commandLine, quoted } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import { heldBy, withLock } from '../../base/lock/lock.js'
import type { Progress } from '../../base/progress.js'
import { counted } from '../../base/text/counted.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import type { Override } from '../../experiment/overrides.js'
import { runFiles } from '../../run/directory.js'
import { readableResult } from '../../run/records.js'
import { checkCellsData } from '../plan/check_data.js'
import { type LoadedSweep, loadSweep } from '../plan/load.js'
import { affordableJobs } from '../plan/memory.js'
import { skippedLine } from '../plan/misfits.js'
import { checkUnchanged } from '../plan/unchanged.js'
import { readResults, type SweepResults } from '../results/results.js'
import { type Submission, submitSweep } from '../slurm/slurm.js'
import { cellState, type PlannedSweep } from './folder.js'
import { runLocal } from './local.js'
import { prepareFolder } from './prepare.js'

export interface SweepOptions extends DeviceOptions {
  /** The sweep's folder; by default runs/<name>. */
  folder?: string | undefined
  /** Cells at once; by default one on this machine, and as many as possible on a cluster. */
  jobs?: number | undefined
  /** Whether cells that failed are tried again. */
  retryFailed: boolean
  /** Continue with a backbone or rows that differ from those of existing cells. */
  allowChanged?: boolean | undefined
  progress: Progress
  interrupted: () => boolean
}

/** Writes the results of a sweep into its folder, for people and programs. */
export type WriteResults = (results: SweepResults) => Promise<void>

/**
 * Trains the cells of a sweep on this machine. Everything is checked before the first one starts. Finished cells are
 * kept and started ones are resumed, so the same command continues the sweep.
 * @throws Interrupted when asked to stop; UserError for what the user can mend.
 */
export async function runSweep(
  file: string,
  sets: readonly (string | Override)[],
  { jobs = 1, write, ...options }: SweepOptions & { write: WriteResults },
): Promise<SweepResults> {
  return inFolder(loadSweep(file, sets), options, async (folder, planned) => {
    const left = await cellsLeft(folder, planned, { ...options, running: true })
    const affordable = await affordableJobs(folder, planned, left, { ...options, jobs })
    if (left.length > 0) await runLocal(folder, planned, left, { ...options, jobs: affordable })
    const results = await readResults(folder)
    await write(results)
    options.progress.end()
    return results
  })
}

/** Submits the remaining cells of a sweep to SLURM, as one job array. */
export async function submitCells(
  file: string,
  sets: readonly (string | Override)[],
  options: SweepOptions,
): Promise<Submission & { folder: string }> {
  const sweep = loadSweep(file, sets)
  const { slurm, place } = sweep
  return inFolder(sweep, options, async (folder, planned) => {
    const left = await cellsLeft(folder, planned, { ...options, running: false })
    if (left.length === 0) {
      const problem = 'no cell is left to train.'
      throw new UserError({
        at: folder,
        problem,
        remedy: `See \`${commandLine(`sweep status ${quoted(folder)}`)}\`; --retry-failed tries again.`,
      })
    }
    options.progress.end()
    const { jobs, engine, allowChanged } = options
    return { folder, ...(await submitSweep(folder, left, { slurm, jobs, engine, allowChanged, place })) }
  })
}

/** Checks everything, writes cells.json and does the work, while no other process does so. */
async function inFolder<T>(
  sweep: LoadedSweep,
  options: Omit<SweepOptions, 'jobs'>,
  work: (folder: string, planned: PlannedSweep) => Promise<T>,
): Promise<T> {
  const folder = resolve(options.folder ?? join('runs', sweep.name)) // `runs/my/` has the lock of `runs/my`
  const { name, axes, slurm, cells, skipped, yaml } = sweep
  if (skipped.length > 0) options.progress.warn(skippedLine(skipped))
  return withLock(
    `${folder}.lock`,
    async () => {
      const open = cells.filter((cell) => readableResult(runFiles(join(folder, cell.name))) === undefined)
      await checkCellsData(open, options.progress)
      await checkUnchanged(folder, cells, { ...options, flag: '--dir' })
      const planned = prepareFolder(folder, { name, axes, slurm, cells }, yaml, {
        flag: '--dir',
        keep: false,
        warn: options.progress.warn,
      })
      return work(folder, planned)
    },
    {
      busy: (holder) => {
        throw new UserError({
          at: folder,
          problem: `another process is running this sweep: ${heldBy(holder)}.`,
          remedy: 'Wait for it, or choose another folder with --dir.',
        })
      },
      say: options.progress.note,
    },
  )
}

/**
 * Returns the indices of the cells to train, and reports the others. With `running`, cells that other processes are
 * training come last: a process that was asked to stop may still be saving.
 */
export async function cellsLeft(
  folder: string,
  { cells }: PlannedSweep,
  { progress, retryFailed, running }: Pick<SweepOptions, 'progress' | 'retryFailed'> & { running: boolean },
): Promise<number[]> {
  const states = await Promise.all(cells.map(({ name }) => cellState(folder, name)))
  const count = (state: string) => states.filter((cell) => cell.state === state).length
  const finished = count('finished')
  if (finished > 0)
    progress.note(`${finished} of ${counted(cells.length, 'cell')} ${finished === 1 ? 'is' : 'are'} finished already.`)
  if (count('failed') > 0 && !retryFailed)
    progress.warn(`${count('failed')} failed before and are left out; --retry-failed tries them again.`)
  const left = states.flatMap(({ state }, index) =>
    state === 'waiting' || state === 'stopped' || (state === 'failed' && retryFailed) ? [index] : [],
  )
  const others = states.flatMap(({ state }, index) => (state === 'running' ? [index] : []))
  return running ? [...left, ...others] : left
}
