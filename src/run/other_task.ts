import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import type { Split } from '../base/choices.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import { nearest } from '../base/text/nearest.js'
import { positiveFaults } from '../experiment/load/load.js'
import { readTask } from '../experiment/task.js'
import { metricsOfKind, type TaskOptions, taskOptions } from '../task/options.js'
import { TABLE_ENDINGS } from '../task/rows/table.js'
import type { TrainedRun } from './trained_run.js'

/** A run that is scored on rows of another task. */
export interface Elsewhere {
  /** The file, preset or experiment, as the user named it. */
  given: string
  /** The run on its own task. */
  own: TrainedRun
  /** Whether only the rows are different, those of a file, so that the labels of its own task are also theirs. */
  ownLabels: boolean
}

class BadOption extends UserError {
  override readonly exitCode = BAD_USAGE
}

/**
 * Returns the run with another task instead of its own, or with its own on all rows of a file. What it noted of its own
 * rows does not apply to them.
 * @throws UserError where `given` does not exist, or `--set` names rows too.
 * @param given a file of rows, a task preset, or an experiment, of which only the task is used
 */
export function onOtherTask(run: TrainedRun, given: string, split: Split): TrainedRun {
  const set = [...run.set].find(([place]) => place !== 'backbone')
  if (set) {
    const problem = `says which rows to score, and ${set[1]} does too.`
    throw new BadOption({ at: `--task ${given}`, problem, remedy: 'Keep one of the two.' })
  }
  const made = { ...run.made, rows: {} }
  if (isTable(given)) {
    const task = onFile(run.experiment.task, fileOf(given), split)
    return { ...run, made, experiment: { ...run.experiment, task }, elsewhere: { given, own: run, ownLabels: true } }
  }
  const { task, locate } = readTask(given)
  // The labels of the own task say nothing of these.
  const training = { ...run.experiment.training, target_length: undefined }
  const elsewhere = { given, own: run, ownLabels: false }
  return { ...run, made, locate, experiment: { ...run.experiment, task, training }, elsewhere }
}

const isTable = (name: string) => TABLE_ENDINGS.includes(extname(name).toLowerCase())

function fileOf(given: string): string {
  const file = resolve(given)
  if (existsSync(file)) return file
  throw new BadOption({ at: `--task ${given}`, problem: `there is no file ${file}.` })
}

function onFile(task: TaskOptions, file: string, split: Split): TaskOptions {
  const { benchmark, path, dataset, config, splits, subset, held_out, train, validation, test, ...rest } = task
  return { ...rest, split: 'given', [split]: file } as TaskOptions
}

/**
 * Returns the run with other scores than its task's.
 * @throws UserError for a score that its kind of task does not have, or that needs what the task does not say.
 */
export function withMetrics(run: TrainedRun, metrics: readonly string[]): TrainedRun {
  const { task } = run.experiment
  const known = metricsOfKind(task.kind)
  const unknown = metrics.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const near = nearest(unknown, known)
    const problem = `${run.experiment.task.name} is of kind ${task.kind}, which has no such score.`
    const remedy = `${near ? `Did you mean ${near}? ` : ''}Scores: ${known.join(', ')}.`
    throw new BadOption({ at: `--metric ${unknown}`, problem, remedy })
  }
  const scored = taskOptions.parse({ ...task, metrics: [...new Set(metrics)] })
  const [fault] = positiveFaults(scored)
  if (fault) throw new BadOption({ at: `--metric ${metrics.join(' --metric ')}`, ...fault })
  return { ...run, experiment: { ...run.experiment, task: scored } }
}
