import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ExperimentError, UserError } from '../../base/error.js'
import { makeFolder, removeUnfinished, writeAtomically } from '../../base/files/atomic.js'
import { DamagedFile } from '../../base/files/json_file.js'
import { warmupInForce } from '../../engine/optimizer/learning_rate.js'
import { withoutPlaces } from '../../experiment/places.js'
import type { Experiment } from '../../experiment/schema.js'
import { type RunFiles, runFiles } from '../../run/directory.js'
import { asItBegan } from '../../run/earlier.js'
import { runExperiment } from '../../run/experiment.js'
import { asReadBy } from '../../run/other_task.js'
import { readResult } from '../../run/records.js'
import { checkOrder } from '../../run/row_order.js'
import { withoutNames } from '../../task/labels/label_names.js'
import type { Cell } from '../plan/load.js'
import { checkInside, type PlannedSweep, readPlanned, sweepFiles, writePlanned } from './folder.js'

export interface PrepareOptions {
  /** The flag that names another folder. */
  flag: string
  /** Whether existing cells that the sweep no longer has are kept; otherwise they are refused. */
  keep: boolean
  /** Called for a cell whose files cannot be compared. */
  warn?: (text: string) => void
}

/**
 * Writes a sweep's cells into its folder, or adds new ones to the existing ones. A cell keeps its index forever: jobs
 * that wait in a cluster's queue know only that.
 * @throws UserError where the folder holds another sweep's cells, or links that lead out of it.
 */
export function prepareFolder(
  folder: string,
  planned: PlannedSweep,
  yaml: string,
  { flag, keep, warn }: PrepareOptions,
): PlannedSweep {
  const files = sweepFiles(folder)
  removeUnfinished(folder, (name) => [files.cells, files.sweep, files.slurm].some((file) => basename(file) === name))
  const before = existsSync(files.cells) ? readPlanned(folder).cells : []
  checkInside(folder, planned.cells)
  checkCells(planned.cells, folder, flag, warn)
  const wanted = new Map(planned.cells.map((cell) => [cell.name, cell]))
  const gone = before.filter(({ name }) => !wanted.has(name))
  if (gone.length > 0 && !keep) throw otherSweep(folder, gone, flag)
  const known = new Set(before.map(({ name }) => name))
  const cells = [
    ...before.map((cell) => wanted.get(cell.name) ?? cell),
    ...planned.cells.filter(({ name }) => !known.has(name)),
  ]
  const whole = { ...planned, cells: cells.map(({ name, axes, experiment }) => ({ name, axes, experiment })) }
  makeFolder(files.logs)
  writePlanned(folder, whole)
  writeAtomically(files.sweep, yaml)
  return whole
}

function otherSweep(folder: string, gone: { name: string }[], flag: string): UserError {
  const names = gone.map(({ name }) => name)
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  return new UserError({
    at: folder,
    problem: `holds cells that this sweep has not: ${shown}.`,
    remedy: `A sweep may grow, not shrink: choose another folder with ${flag}.`,
  })
}

/**
 * Checks that existing runs were made by these cells, so that no table mixes two experiments. A damaged run is reported
 * and does not stop the others.
 * @throws UserError that names the first run of another experiment, or with another order of rows.
 */
function checkCells(cells: readonly Cell[], folder: string, flag: string, warn: PrepareOptions['warn']): void {
  for (const { name, experiment } of cells) {
    const files = runFiles(join(folder, name))
    if (!existsSync(files.experiment)) continue
    try {
      checkCell(files, experiment, flag)
    } catch (error) {
      if (!(error instanceof DamagedFile || error instanceof ExperimentError)) throw error
      warn?.(error.message)
    }
  }
}

function checkCell(files: RunFiles, experiment: Experiment, flag: string): void {
  if (!madeBy(files, experiment)) {
    throw new UserError({
      at: files.folder,
      problem: 'was trained by another experiment, or by this one with other values.',
      remedy: `Choose another folder with ${flag}, or delete this one.`,
    })
  }
  checkOrder(files, `choose another folder with ${flag}.`)
}

/**
 * Whether a run's experiment is this one with the values filled in that come from backbone and data. Their places are
 * ignored, since their hashes show whether they are the same; so are the names of labels.
 */
function madeBy(files: RunFiles, experiment: Experiment): boolean {
  const { training, task: named, method, ...rest } = withoutPlaces(experiment)
  const { training: before, task: namedBefore, ...restBefore } = withoutPlaces(runExperiment(files.experiment))
  if (named.kind !== namedBefore.kind) return false
  const [task, taskBefore] = [withoutNames(asReadBy(namedBefore, named)), withoutNames(namedBefore)]
  const told = Object.fromEntries(Object.entries(training).filter(([, value]) => value !== undefined))
  const result = before.steps === undefined ? readResult(files) : undefined
  const steps = before.steps ?? result?.planned_steps ?? result?.steps
  // the steps of its epochs are known when a run is finished; a resumed run compares its warm-up itself
  const warmup_steps = steps === undefined ? before.warmup_steps : warmupInForce(training.warmup_steps, steps)
  const { held_out } = taskBefore
  const now = {
    method: asItBegan(method, restBefore.method),
    task: { ...task, held_out: task.held_out ?? held_out },
    training: { ...before, ...told, warmup_steps },
  }
  return isDeepStrictEqual({ ...rest, ...now }, { ...restBefore, task: { ...taskBefore, held_out }, training: before })
}
