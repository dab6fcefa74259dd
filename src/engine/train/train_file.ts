import { resolve } from 'node:path'
import { commandLine, quoted } from '../../base/command_line.js'
import { shownPath } from '../../base/yaml/source.js'
import { stoppable } from '../../cli/interrupt.js'
import { refuseSameTensors } from '../../experiment/same_tensors.js'
import type { Experiment } from '../../experiment/schema.js'
import type { Result } from '../../run/directory.js'
import { type Trainable, trainable } from '../../run/trainable.js'
import { toldAtItsKey } from '../../task/rows/misfit.js'
import { dryRun, type Plan } from '../prepare/dry_run.js'
import type { TrainOptions } from './begin.js'
import { train } from './train.js'

export interface TrainFileOptions extends Omit<TrainOptions, 'folder' | 'interrupted'>, Trainable {
  /** Whether several processes share the training: the command that goes on says so. */
  mpi: boolean
}

/**
 * Trains the experiment of a file, of the toolkit, or of a run that is to go on, into the run's folder: runs/<name> by
 * default.
 * @throws Interrupted, which says with which command it goes on, once signals were asked for; else as `trainable` and
 * `train`
 */
export async function trainFile(
  file: string,
  options: TrainFileOptions,
): Promise<{ experiment: Experiment; result: Result; folder: string }> {
  const { experiment, locate, run } = trainableMethod(file, options)
  const folder = resolve(run ?? options.folder ?? `runs/${experiment.name}`)
  const goOn = commandLine(`train --resume ${quoted(shownPath(folder))}${options.mpi ? ' --mpi' : ''}`)
  const result = await stoppable(goOn, (interrupted) =>
    toldAtItsKey(locate, () => train(experiment, { ...options, folder, interrupted })),
  )
  return { experiment, result, folder }
}

/** What the training of such a file would take; see `dryRun`. */
export async function dryRunFile(file: string, options: TrainFileOptions): Promise<Plan> {
  const { experiment, locate } = trainableMethod(file, options)
  return toldAtItsKey(locate, () => dryRun(experiment, options))
}

/** As `trainable`; also refuses several methods with tensors of one name, at their place. */
function trainableMethod(file: string, options: TrainFileOptions): ReturnType<typeof trainable> {
  const found = trainable(file, options)
  if (found.config) refuseSameTensors(found.experiment.method, found.config, found.locate)
  return found
}
