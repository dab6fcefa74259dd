import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ExperimentError, UserError } from '../../base/error.js'
import { heldBy, withLock } from '../../base/lock/lock.js'
import { presetNames } from '../../base/presets.js'
import type { Progress } from '../../base/progress.js'
import { yamlText } from '../../base/yaml/yaml_text.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import { warmupInForce } from '../../engine/optimizer/learning_rate.js'
import { ExperimentProblems, loadExperiment, readExperiment } from '../../experiment/load/load.js'
import { type Override, parseOverrides } from '../../experiment/overrides.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { suggestion } from '../../experiment/wording.js'
import { chanceAmong } from '../../run/compare/chance.js'
import { type Spread, spreadOfScores } from '../../run/compare/spread.js'
import type { Result, Scores } from '../../run/directory.js'
import { scoreMetrics } from '../../task/metrics/direction.js'
import { toldAtItsKey } from '../../task/rows/misfit.js'
import { checkSubset } from '../../task/rows/splits.js'
import { checkData } from '../plan/check_data.js'
import { type LoadedCell, loadCells } from '../plan/load.js'
import { checkUnchanged } from '../plan/unchanged.js'
import { type CellRow, readResults } from '../results/results.js'
import { unlikeCells } from '../results/unlike.js'
import { runLocal } from './local.js'
import { prepareFolder } from './prepare.js'
import { cellsLeft } from './run.js'

/** The numbers of training rows in the paper's low-resource experiments. */
const PAPER_SIZES = [100, 500, 1000, 2000, 4000]
const SEEDS = 5
/** An epoch of a small subset is a few steps: with an evaluation after each, a run would be mostly evaluation. */
const EVALUATIONS = 10

interface Axes {
  method: string
  size: number
  /** The seed of task.subset, which chooses the rows. */
  seed: number
}

export interface LowResourceOptions extends DeviceOptions {
  /** Values of --set. */
  sets: readonly (string | Override)[]
  /** Numbers of training rows; by default the paper's, up to the size of the task. */
  sizes?: number[] | undefined
  /** The number of subsets of each size, 5 by default: seeds 0 … seeds − 1. */
  seeds?: number | undefined
  /** Method presets; by default the experiment's own method. */
  methods?: string[] | undefined
  /** Continue with a backbone or rows that differ from those of existing runs. */
  allowChanged?: boolean | undefined
  /** The grid's folder; by default runs/<name>-low-resource. */
  folder?: string | undefined
  /** Writes the results of the grid into its folder, for people and programs. */
  write: (results: LowResourceResults) => Promise<void>
  progress: Progress
  interrupted: () => boolean
}

/** The results of a grid: what results.json holds and --json prints. */
export interface LowResourceResults {
  name: string
  task: string
  backbone: string
  folder: string
  steps: number
  batch_size: number
  sizes: number[]
  seeds: number[]
  methods: string[]
  /** A size of a method over its finished runs; `cells` counts all of them. Sample standard deviation. */
  summary: {
    method: string
    size: number
    runs: number
    cells: number
    validation: Record<string, Spread>
    test: Record<string, Spread>
  }[]
  cells: (Axes & { run: string; validation: Scores; test: Scores } & Pick<Result, 'best_step' | 'seconds'>)[]
  /** The score of a guess on test, and how it is guessed; undefined for free text and for runs of earlier versions. */
  chance?: { score: number; text: string }
  failed: (Axes & { run: string; reason: string })[]
  /** Warnings about sizes whose cells were trained on different rows or weights. */
  cautions: string[]
}

/**
 * Trains an experiment on subsets of its training rows, one run for every size × seed × method, and summarises them: a
 * sweep with these axes. Everything is checked before the first run starts. Finished runs are kept, started ones are
 * resumed and failed ones tried again, so the same command continues the grid.
 * @throws Interrupted when asked to stop; UserError for what the user can mend.
 */
export async function lowResource(file: string, options: LowResourceOptions): Promise<LowResourceResults> {
  const { progress } = options
  const grid = await planGrid(file, options)
  const folder = options.folder ?? join('runs', `${grid.experiment.name}-low-resource`)
  return withLock(
    `${resolve(folder)}.lock`,
    async () => {
      const sweep = { name: `${grid.experiment.name}-low-resource`, axes: Object.values(KEYS), slurm: {} }
      const yaml = sweepYaml(file, sweep.name, grid)
      await checkUnchanged(folder, grid.cells, { ...options, flag: '--run-dir' })
      const planned = prepareFolder(folder, { ...sweep, cells: grid.cells }, yaml, {
        flag: '--run-dir',
        keep: true,
        warn: progress.warn,
      })
      const wanted = new Set(grid.cells.map(({ name }) => name))
      const left = await cellsLeft(folder, planned, { progress, retryFailed: true, running: true })
      const indices = left.filter((index) => wanted.has(planned.cells[index]!.name))
      if (indices.length > 0) await runLocal(folder, planned, indices, { ...options, jobs: 1 })
      const { cells } = await readResults(folder)
      const results = resultsOf(
        grid,
        folder,
        grid.cells.map(({ name }) => cells.find((cell) => cell.name === name)!),
      )
      await options.write(results)
      progress.end()
      return results
    },
    {
      busy: (holder) => {
        throw new UserError({
          at: folder,
          problem: `another process is training this grid: ${heldBy(holder)}.`,
          remedy: 'Wait for it, or choose another folder with --run-dir.',
        })
      },
      say: options.progress.note,
    },
  )
}

/** The keys of an experiment that are the axes of the grid. */
const KEYS = { method: 'method', size: 'task.subset.size', seed: 'task.subset.seed' } as const

/** Returns the grid as a sweep file. */
function sweepYaml(file: string, name: string, { sets, methods, sizes, seeds }: Grid): string {
  const set = Object.fromEntries(parseOverrides(sets, []).map(({ path, value }) => [path.join('.'), value]))
  const several = methods.length > 1 && { [KEYS.method]: methods }
  const axes = { [KEYS.seed]: seeds, [KEYS.size]: sizes, ...several }
  return yamlText({ name, experiment: existsSync(file) ? resolve(file) : file, set, axes })
}

interface Grid {
  experiment: Experiment
  /** Overrides for every cell, as --set has them. */
  sets: (string | Override)[]
  sizes: number[]
  seeds: number[]
  methods: string[]
  cells: LoadedCell[]
}

async function planGrid(file: string, options: LowResourceOptions): Promise<Grid> {
  const { experiment, locate } = readExperiment(file, options.sets)
  if (experiment.training.steps === undefined) throw epochsGiven(locate(['training', 'epochs']))
  const rows = await toldAtItsKey(locate, () => checkData(experiment.task, options.progress))
  const sizes = ascending(options.sizes ?? PAPER_SIZES.filter((size) => size <= rows))
  if (sizes.length === 0) throw tooFewRows(experiment.task.name, rows)
  const stratified = experiment.task.subset?.stratified ?? false
  for (const size of sizes) checkSubset(experiment.task, { size, stratified }, rows, `--sizes ${size}`)
  const own = ownMethod(file, options.sets, experiment)
  const methods = [...new Set(options.methods ?? [own])]
  checkMethods(methods.filter((method) => method !== own))
  const seeds = Array.from({ length: options.seeds ?? SEEDS }, (_, seed) => seed)
  const every = Math.ceil(experiment.training.steps / EVALUATIONS)
  const evaluations = experiment.training.evaluate_every === undefined ? [`training.evaluate_every=${every}`] : []
  const warmup = warmUp(experiment.training, options.progress)
  const sets = [...options.sets, ...evaluations, ...warmup]
  // Seeds change slowest, so that a grid which is stopped early has every size.
  const axes = seeds.flatMap((seed) => sizes.flatMap((size) => methods.map((method) => ({ method, size, seed }))))
  const cells = loadCells({
    file,
    cells: axes.map(({ method, size, seed }) => ({
      name: `${method}-${size}-seed${seed}`,
      axes: { [KEYS.method]: method, [KEYS.size]: size, [KEYS.seed]: seed },
      sets: [
        ...sets,
        ...(method === own ? [] : [`${KEYS.method}=${method}`]),
        ...[`${KEYS.size}=${size}`, `${KEYS.seed}=${seed}`],
      ],
    })),
  })
  return { experiment, sets, sizes, seeds, methods, cells }
}

/** Limits warm-up to half of the steps, as in the paper's runs. */
function warmUp({ warmup_steps, steps }: Experiment['training'], progress: Progress): string[] {
  const half = Math.floor(steps! / 2)
  const asked = warmup_steps < 1 ? warmupInForce(warmup_steps, steps!) : warmup_steps
  if (asked <= half) return []
  progress.note(`Warm-up shortened from ${asked} steps to ${half}, half of a run.`)
  return [`training.warmup_steps=${half}`]
}

const ascending = (numbers: number[]) => [...new Set(numbers)].sort((a, b) => a - b)

const epochsGiven = (at: string) =>
  new ExperimentError({
    at,
    problem: 'training.epochs is given; low-resource runs take the same number of steps whatever the size.',
    remedy: 'The paper takes 1000: --set training.epochs=null --set training.steps=1000.',
  })

const tooFewRows = (task: string, rows: number) =>
  new UserError({
    problem: `The task ${task} has ${rows} training rows, fewer than ${PAPER_SIZES[0]}, the paper's smallest size.`,
    remedy: 'Name sizes with --sizes.',
  })

/**
 * Returns the preset that changes nothing when it replaces the experiment's own method; for a method that is not a
 * preset's, its kind.
 */
function ownMethod(file: string, sets: readonly (string | Override)[], { method }: Experiment): string {
  const changesNothing = (preset: string) => {
    try {
      return isDeepStrictEqual(loadExperiment(file, [...sets, `method.preset=${preset}`]).method, method)
    } catch (error) {
      if (error instanceof ExperimentProblems) return false
      throw error
    }
  }
  return presetNames('methods').find(changesNothing) ?? method.kind
}

function checkMethods(methods: string[]): void {
  const names = presetNames('methods')
  const unknown = methods.find((method) => !names.includes(method))
  if (unknown === undefined) return
  const remedy = suggestion(unknown, names, 'Presets')
  throw new ExperimentError({ at: `--methods ${unknown}`, problem: 'there is no such preset.', remedy })
}

function resultsOf(grid: Grid, folder: string, rows: CellRow[]): LowResourceResults {
  const { experiment, sizes, seeds, methods } = grid
  const axesOf = ({ axes }: CellRow) =>
    ({ method: axes[KEYS.method], size: axes[KEYS.size], seed: axes[KEYS.seed] }) as Axes
  const cells = rows.flatMap((row) => {
    if (row.state !== 'finished') return []
    const { validation, test, best_step, seconds } = row
    return [{ ...axesOf(row), run: row.name, validation, test, best_step, seconds }]
  })
  const failed = rows.flatMap((row) =>
    row.state === 'failed' ? [{ ...axesOf(row), run: row.name, reason: row.reason }] : [],
  )
  const points = methods.flatMap((method) => sizes.map((size) => ({ method, size })))
  const at = <Of extends Axes>(of: readonly Of[], point: Pick<Axes, 'method' | 'size'>) =>
    of.filter(({ method, size }) => method === point.method && size === point.size)
  const summary = points.map((point) => {
    const runs = at(cells, point)
    const over = (split: 'validation' | 'test') => spreadOfScores(runs.map((run) => run[split]))
    return { ...point, runs: runs.length, cells: seeds.length, validation: over('validation'), test: over('test') }
  })
  const told = rows.map((row) => ({ ...row, ...axesOf(row) }))
  const cautions = unlikeCells(
    folder,
    points.map((point) => at(told, point)),
  )
  const guesses = rows.flatMap((row) =>
    row.state === 'finished' && row.chance ? [{ chance: row.chance, task: experiment.task }] : [],
  )
  const guess = chanceAmong(guesses, scoreMetrics(experiment.task.metrics))
  const chance = guess && { chance: { score: guess.test, text: guess.text } }
  const { name, task, backbone, training } = experiment
  const { steps, batch_size } = { steps: training.steps!, batch_size: rowsAStep(training) }
  const what = { name, task: task.name, backbone: backbone.name, folder, steps, batch_size }
  return { ...what, sizes, seeds, methods, summary, cells, ...chance, failed, cautions }
}
