import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { DeviceOptions } from '../engine/device.js'
import { Interrupted } from '../engine/interrupt.js'
import { train } from '../engine/train.js'
import { UserError } from '../error.js'
import { loadExperiment } from '../experiment/load.js'
import type { Experiment } from '../experiment/schema.js'
import type { Progress } from '../progress.js'
import { type Result, type RunFiles, readResult, runFiles } from '../run/directory.js'
import { cellProgress, TimeLeft } from './progress.js'

/** One training of a grid: an ordinary experiment, and the values that tell it from the others. */
export interface Cell<Axes = Record<string, string | number>> {
  /** Of its run directory, in the grid's folder. */
  name: string
  axes: Axes
  experiment: Experiment
}

/** What became of a cell: its result, or why there is none. */
export type Outcome<Axes> = { cell: Cell<Axes> } & ({ result: Result } | { failure: string })

export interface RunCellsOptions<Axes> extends DeviceOptions {
  progress: Progress
  /** Asked after every step, every batch of an evaluation and every cell. */
  interrupted: () => boolean
  /** Cells of the same kind are taken to last equally long. */
  kind: (axes: Axes) => string
}

/** A grid was stopped from outside, on purpose, after it had saved. */
export class GridInterrupted extends UserError {
  override readonly exitCode = new Interrupted().exitCode
}

/**
 * Trains the cells one after the other in this process, each into `folder/<name>`. A finished cell is not run again, a
 * begun one is resumed; one that fails is told, and the others go on.
 * @throws GridInterrupted when asked to stop, after the running cell is saved.
 */
export async function runCells<Axes>(
  cells: Cell<Axes>[],
  folder: string,
  options: RunCellsOptions<Axes>,
): Promise<Outcome<Axes>[]> {
  const outcomes = new Map<Cell<Axes>, Outcome<Axes>>()
  const left = new TimeLeft(options.kind)
  for (const cell of cells) {
    const result = readResult(runFiles(join(folder, cell.name)))
    if (!result) continue
    outcomes.set(cell, { cell, result })
    left.took(cell.axes, result.seconds)
  }
  if (outcomes.size > 0) options.progress.note(`${outcomes.size} of ${cells.length} cells are finished already.`)
  const waiting = cells.filter((cell) => !outcomes.has(cell))
  for (const [i, cell] of waiting.entries()) {
    if (options.interrupted()) throw stopped(outcomes.size, cells.length)
    const number = cells.indexOf(cell) + 1
    const estimate = left.line(waiting.slice(i).map(({ axes }) => axes))
    const progress = cellProgress(options.progress, `${number} of ${cells.length} ${cell.name}${estimate}`)
    const started = performance.now()
    const outcome = await runCell(cell, join(folder, cell.name), { ...options, progress })
    if (outcome === 'interrupted') throw stopped(finished(outcomes), cells.length)
    if ('failure' in outcome) options.progress.warn(`${cell.name} failed: ${outcome.failure}`)
    else left.took(cell.axes, (performance.now() - started) / 1000)
    outcomes.set(cell, outcome)
  }
  return cells.map((cell) => outcomes.get(cell)!)
}

const finished = <Axes>(outcomes: Map<unknown, Outcome<Axes>>) =>
  [...outcomes.values()].filter((outcome) => 'result' in outcome).length

const stopped = (done: number, of: number) =>
  new GridInterrupted({
    problem: `Stopped; ${done} of ${of} cells are finished and everything so far is saved.`,
    remedy: 'Go on with the same command.',
  })

async function runCell<Axes>(
  cell: Cell<Axes>,
  folder: string,
  options: RunCellsOptions<Axes>,
): Promise<Outcome<Axes> | 'interrupted'> {
  const resume = existsSync(runFiles(folder).experiment)
  try {
    return { cell, result: await train(cell.experiment, { ...options, folder, resume }) }
  } catch (error) {
    if (error instanceof Interrupted) return 'interrupted'
    return { cell, failure: (error as Error).message }
  }
}

/**
 * Checks that what is there already was made by these cells, so that no table mixes two experiments.
 * @throws UserError that names the first run of another experiment.
 */
export function checkCells(cells: Cell<unknown>[], folder: string): void {
  for (const { name, experiment } of cells) {
    const files = runFiles(join(folder, name))
    if (!existsSync(files.experiment) || madeBy(files, experiment)) continue
    throw new UserError({
      at: files.folder,
      problem: 'was trained by another experiment, or by this one with other values.',
      remedy: 'Choose another folder with --run-dir, or delete this one.',
    })
  }
}

/** Whether a run's experiment is this one with the values filled in that come from backbone and data. */
function madeBy(files: RunFiles, { training, ...rest }: Experiment): boolean {
  const { training: before, ...restBefore } = loadExperiment(files.experiment)
  const told = Object.fromEntries(Object.entries(training).filter(([, value]) => value !== undefined))
  const warmup_steps = Math.min(training.warmup_steps, Math.floor((before.steps ?? Number.POSITIVE_INFINITY) / 2))
  return isDeepStrictEqual(
    { ...rest, training: { ...before, ...told, warmup_steps } },
    { ...restBefore, training: before },
  )
}
