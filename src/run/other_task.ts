import { existsSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Split } from '../base/choices.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import { hashFiles } from '../base/files/hash.js'
import { nearest } from '../base/text/nearest.js'
import { positiveFaults } from '../experiment/load/load.js'
import { readTask } from '../experiment/task.js'
import { decodedTask, encodedTask, isEncoded } from '../task/encoded.js'
import { OF_GROUPS } from '../task/metrics/metrics.js'
import { metricsOfKind, type TaskOptions, taskOptions } from '../task/options.js'
import { sourceSplit } from '../task/rows/source.js'
import { withHeldOut } from '../task/rows/split_rows.js'
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
 * rows does not apply to them; where task and rows are its own, they may be at another place.
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
  if (isRows(run, given)) {
    const file = fileOf(given)
    if (isOwnFile(run, file, split)) return atPlace(run, split, file)
    const task = onFile(run.experiment.task, file, split)
    return { ...run, made, experiment: { ...run.experiment, task }, elsewhere: { given, own: run, ownLabels: true } }
  }
  const { task, locate } = readTask(given)
  checkAnswered(run, task, given)
  const from = sourceSplit(task, split)
  if (isOwnTask(run, task, split) && isOwnSource(run, task[from], split)) return atPlace(run, from, task[from])
  // The labels of the own task say nothing of these.
  const training = { ...run.experiment.training, target_length: undefined }
  const elsewhere = { given, own: run, ownLabels: false }
  return { ...run, made, locate, experiment: { ...run.experiment, task, training }, elsewhere }
}

/** A head answers one kind of question. @throws UserError where a task asks another */
function checkAnswered({ folder, experiment: { task: own } }: TrainedRun, { kind }: TaskOptions, given: string): void {
  if (!isEncoded(own) || kind === own.kind) return
  const problem = `is of kind ${kind}, and the head of ${folder} answers ${own.kind} alone.`
  throw new BadOption({ at: `--task ${given}`, problem, remedy: 'Name a task of that kind, or a file of rows.' })
}

/** Whether all rows of a file are those that the run has for a split. */
function isOwnFile(run: TrainedRun, file: string, split: Split): boolean {
  const { split: way, subset } = run.experiment.task
  return way === 'given' && (split !== 'train' || subset === undefined) && isOwnSource(run, file, split)
}

/** Whether a split's rows are read from the file that the run has for it, or from one with the same content. */
function isOwnSource({ experiment: { task }, made }: TrainedRun, file: string | undefined, split: Split): boolean {
  const noted = made.rows[split]
  if (file === undefined || noted === undefined || !existsSync(file)) return file === task[sourceSplit(task, split)]
  return hashFiles([file]) === noted
}

/** Whether a task asks for the same answers to the same rows as the run's own, wherever its files are. */
function isOwnTask({ experiment: { task: own } }: TrainedRun, task: TaskOptions, split: Split): boolean {
  return task.kind === own.kind && isDeepStrictEqual(asked(asReadBy(own, task), split), asked(own, split))
}

/** Returns a task as a run's backbone reads it; `own` is the run's task, of the same kind. */
export function asReadBy(own: TaskOptions, task: TaskOptions): TaskOptions {
  if (!isEncoded(own)) return decodedTask(task)
  const labels = 'labels' in own ? { labels: own.labels } : {} // those that it found, where the task names none
  return { ...labels, ...encodedTask(task) } as TaskOptions
}

/** The keys of a task that say where its rows are, which are compared by content, and how labels are shown. */
const PLACES = ['train', 'validation', 'test', 'path', 'label_names']

function asked(given: TaskOptions, split: Split): Record<string, unknown> {
  const task = withHeldOut(given)
  const ignored = split === 'train' ? PLACES : [...PLACES, 'subset']
  return Object.fromEntries(
    Object.entries(task).filter(([key, value]) => value !== undefined && !ignored.includes(key)),
  )
}

/** Returns the run with its own rows read from that file, or from where it has them. */
function atPlace(run: TrainedRun, split: Split, file: string | undefined): TrainedRun {
  if (file === undefined) return run
  return { ...run, experiment: { ...run.experiment, task: { ...run.experiment.task, [split]: file } as TaskOptions } }
}

/** Whether a name is that of a file of rows; words and tags may be in a file with any ending. */
const isRows = ({ experiment: { task } }: TrainedRun, name: string): boolean =>
  TABLE_ENDINGS.includes(extname(name).toLowerCase()) ||
  (task.kind === 'token_classification' && isFile(name) && !/\.ya?ml$/i.test(name))

const isFile = (name: string) => statSync(name, { throwIfNoEntry: false })?.isFile() ?? false

function fileOf(given: string): string {
  const file = resolve(given)
  if (existsSync(file)) return file
  throw new BadOption({ at: `--task ${given}`, problem: `there is no file ${file}.` })
}

function onFile(task: TaskOptions, file: string, split: Split): TaskOptions {
  const { benchmark, path, dataset, config, splits, subset, held_out, train, validation, test, ...rest } = task
  return { ...rest, split: 'given', [split]: file } as TaskOptions
}

/** Returns the run with other scores than its task's. @throws UserError as `taskWithMetrics` */
export const withMetrics = (run: TrainedRun, metrics: readonly string[]): TrainedRun => ({
  ...run,
  experiment: { ...run.experiment, task: taskWithMetrics(run.experiment.task, metrics) },
})

/**
 * Returns a task with the scores of `--metric`.
 * @throws UserError for a score that its kind of task does not have, or that needs what the task does not say: the
 *   scores of groups would be those of rows where there are none.
 */
export function taskWithMetrics(task: TaskOptions, metrics: readonly string[]): TaskOptions {
  const all = metricsOfKind(task.kind)
  const grouped = 'group' in task && task.group !== undefined
  const known = grouped ? all : all.filter((name) => !OF_GROUPS.includes(name))
  const groupless = metrics.find((name) => all.includes(name) && !known.includes(name))
  if (groupless !== undefined) {
    const problem = `${task.name} has no groups of rows (task.group), and this is a score of groups.`
    throw new BadOption({ at: `--metric ${groupless}`, problem, remedy: `Scores: ${known.join(', ')}.` })
  }
  const unknown = metrics.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const near = nearest(unknown, known)
    const problem = `${task.name} is of kind ${task.kind}, which has no such score.`
    const remedy = `${near ? `Did you mean ${near}? ` : ''}Scores: ${known.join(', ')}.`
    throw new BadOption({ at: `--metric ${unknown}`, problem, remedy })
  }
  const scored = taskOptions.parse({ ...task, metrics: [...new Set(metrics)] })
  const [fault] = positiveFaults(scored)
  if (fault) throw new BadOption({ at: `--metric ${metrics.join(' --metric ')}`, ...fault })
  return scored
}
