import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { writeAtomically } from '../atomic.js'
import { type DeviceOptions, startDevice } from '../engine/device.js'
import { ExperimentError, UserError } from '../error.js'
import { ExperimentProblems, loadExperiment, readExperiment } from '../experiment/load.js'
import type { Experiment } from '../experiment/schema.js'
import { suggestion } from '../experiment/wording.js'
import { withLock } from '../lock.js'
import { presetNames } from '../presets.js'
import { type Progress, showDownload } from '../progress.js'
import { lowResourceCsv, lowResourceMarkdown } from '../report/low_resource.js'
import { curvePlot } from '../report/plots.js'
import { type Result, type Scores, writeJson } from '../run/directory.js'
import { checkHead } from '../task/rows.js'
import { sourceOf } from '../task/source.js'
import { checkSubset } from '../task/splits.js'
import { trainingSplit } from '../task/subsample.js'
import { type Cell, checkCells, type Outcome, runCells } from './cells.js'
import { type Spread, spreadOfScores } from './spread.js'

/** Training rows of the paper's low-resource experiments. */
const PAPER_SIZES = [100, 500, 1000, 2000, 4000]
/** An epoch of a small subset is a few steps: evaluated as often, a run would be mostly evaluation. */
const EVALUATIONS = 10

interface Axes {
  method: string
  size: number
  /** Which rows: the seed of task.subset. */
  seed: number
}

export interface LowResourceOptions extends DeviceOptions {
  /** Values of --set. */
  sets: readonly string[]
  /** Training rows; the paper's, as far as the task has them, unless told. */
  sizes?: number[] | undefined
  /** Subsets of each size: seeds 0 … seeds − 1. */
  seeds: number
  /** Presets; the experiment's own method unless told. */
  methods?: string[] | undefined
  /** Of the grid; runs/<name>-low-resource unless told. */
  folder?: string | undefined
  progress: Progress
  interrupted: () => boolean
}

/** What a grid came to: what results.json holds and --json prints. */
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
  /** A size of a method: over its finished runs, sample standard deviation. */
  summary: {
    method: string
    size: number
    runs: number
    validation: Record<string, Spread>
    test: Record<string, Spread>
  }[]
  cells: (Axes & { run: string; validation: Scores; test: Scores } & Pick<Result, 'best_step' | 'seconds'>)[]
  failed: (Axes & { run: string; reason: string })[]
}

/**
 * Trains an experiment on subsets of its training rows, every size × seed × method a run of its own, and sums up. All is
 * checked before the first run starts. A finished run is kept, a begun one resumed, so the same command goes on.
 * @throws GridInterrupted when asked to stop; UserError for what the user can mend.
 */
export async function lowResource(file: string, options: LowResourceOptions): Promise<LowResourceResults> {
  const { progress } = options
  const grid = await planGrid(file, options)
  const folder = options.folder ?? join('runs', `${grid.experiment.name}-low-resource`)
  return withLock(
    `${folder}.lock`,
    async () => {
      checkCells(grid.cells, folder)
      const device = await startDevice(options)
      for (const note of device.notes) progress.warn(note)
      const outcomes = await runCells(grid.cells, folder, { ...options, kind: ({ method }) => method })
      const results = resultsOf(grid, folder, outcomes)
      await writeResults(folder, results)
      progress.end()
      return results
    },
    () => {
      throw new UserError({
        at: folder,
        problem: 'another process is training this grid.',
        remedy: 'Wait for it, or choose another folder with --run-dir.',
      })
    },
  )
}

interface Grid {
  experiment: Experiment
  sizes: number[]
  seeds: number[]
  methods: string[]
  cells: Cell<Axes>[]
}

async function planGrid(file: string, options: LowResourceOptions): Promise<Grid> {
  const { experiment, locate } = readExperiment(file, options.sets)
  if (experiment.training.steps === undefined) throw epochsGiven(locate(['training', 'epochs']))
  const rows = await checkData(experiment.task, options.progress)
  const sizes = ascending(options.sizes ?? PAPER_SIZES.filter((size) => size <= rows))
  if (sizes.length === 0) throw tooFewRows(experiment.task.name, rows)
  const stratified = experiment.task.subset?.stratified ?? false
  for (const size of sizes) checkSubset(experiment.task, { size, stratified }, rows, `--sizes ${size}`)
  const own = ownMethod(file, options.sets, experiment)
  const methods = [...new Set(options.methods ?? [own])]
  checkMethods(methods.filter((method) => method !== own))
  const seeds = Array.from({ length: options.seeds }, (_, seed) => seed)
  const load = ({ method, size, seed }: Axes) =>
    loadExperiment(file, [
      ...options.sets,
      ...(method === own ? [] : [`method=${method}`]),
      `task.subset.size=${size}`,
      `task.subset.seed=${seed}`,
      ...(experiment.training.evaluate_every === undefined
        ? [`training.evaluate_every=${Math.ceil(experiment.training.steps! / EVALUATIONS)}`]
        : []),
    ])
  // Seeds outermost: a grid that is stopped early has every size.
  const cells = seeds
    .flatMap((seed) => sizes.flatMap((size) => methods.map((method) => ({ method, size, seed }))))
    .map((axes) => ({ name: `${axes.method}-${axes.size}-seed${axes.seed}`, axes, experiment: load(axes) }))
  return { experiment, sizes, seeds, methods, cells }
}

/** Reads the training split, and the head of the others. Gives the number of training rows. */
async function checkData(task: Experiment['task'], progress: Progress): Promise<number> {
  progress.phase(`Checking the rows of ${task.name}`)
  const download = { onProgress: showDownload(progress) }
  for (const split of ['validation', 'test'] as const) {
    const { file, rows } = await sourceOf(task, split, download)
    await checkHead(task, file, rows())
  }
  return (await trainingSplit(task, { ...download, stratified: false })).rows
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

/** The preset that, in place of the experiment's own, changes nothing; for a method that is no preset's, its kind. */
function ownMethod(file: string, sets: readonly string[], { method }: Experiment): string {
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

function resultsOf(grid: Grid, folder: string, outcomes: Outcome<Axes>[]): LowResourceResults {
  const { experiment, sizes, seeds, methods } = grid
  const cells = outcomes.flatMap((outcome) => {
    if (!('result' in outcome)) return []
    const { validation, test, best_step, seconds } = outcome.result
    return [{ ...outcome.cell.axes, run: outcome.cell.name, validation, test, best_step, seconds }]
  })
  const failed = outcomes.flatMap((outcome) =>
    'failure' in outcome ? [{ ...outcome.cell.axes, run: outcome.cell.name, reason: outcome.failure }] : [],
  )
  const summary = methods.flatMap((method) =>
    sizes.map((size) => {
      const runs = cells.filter((cell) => cell.method === method && cell.size === size)
      const over = (split: 'validation' | 'test') => spreadOfScores(runs.map((run) => run[split]))
      return { method, size, runs: runs.length, validation: over('validation'), test: over('test') }
    }),
  )
  const { name, task, backbone, training } = experiment
  const { steps, batch_size } = { ...training, steps: training.steps! }
  const what = { name, task: task.name, backbone: backbone.name, folder, steps, batch_size }
  return { ...what, sizes, seeds, methods, summary, cells, failed }
}

async function writeResults(folder: string, results: LowResourceResults): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeJson(join(folder, 'results.json'), results)
  writeAtomically(join(folder, 'results.csv'), lowResourceCsv(results))
  writeAtomically(join(folder, 'results.md'), lowResourceMarkdown(results))
  if (results.cells.length > 0) writeAtomically(join(folder, 'curve.svg'), await curvePlot(results))
}
