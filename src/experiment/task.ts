import { existsSync, statSync } from 'node:fs'
import { UserError } from '../base/error.js'
import { experimentNames, presetNames } from '../base/presets.js'
import { nearest } from '../base/text/nearest.js'
import type { Path } from '../base/yaml/source.js'
import type { TaskOptions } from '../task/options.js'
import { readExperiment } from './load/load.js'
import type { TrainingOptions } from './schema.js'

/** Any experiment serves to read a task preset: presets are merged and checked in experiments. */
const CARRIER = 'quickstart'

export interface ReadTask {
  task: TaskOptions
  /** The values of `training`, where the name is an experiment's. */
  training?: TrainingOptions
  locate(path: Path): string
}

/**
 * Returns the task of that name, or of an experiment (a file, or a shipped one), and the place of each of its keys.
 * `path` is a folder with a benchmark's official files, `sets` are the texts of `--set`.
 * @throws UserError if neither a task nor an experiment has the name, or the experiment is wrong.
 */
export function readTask(
  name: string,
  { path, sets = [] }: { path?: string | undefined; sets?: readonly string[] | undefined } = {},
): ReadTask {
  if (path !== undefined) checkFolder(path)
  const from = path === undefined ? [] : [{ path: ['task', 'path'], value: path, at: `--path ${path}` }]
  const found = (file: string, preset: string[]) => {
    const { experiment, locate } = readExperiment(file, [...preset, ...sets, ...from])
    return { experiment, locate }
  }
  if (existsSync(name) || experimentNames().includes(name)) {
    const { experiment, locate } = found(name, [])
    return { task: experiment.task, training: experiment.training, locate }
  }
  if (presetNames('tasks').includes(name)) {
    const { experiment, locate } = found(CARRIER, [`task.preset=${name}`])
    return { task: experiment.task, locate }
  }
  const close = nearest(name, [...presetNames('tasks'), ...experimentNames()])
  throw new UserError({
    at: name,
    problem: 'there is no such task, experiment or file.',
    remedy: close === undefined ? `Tasks: ${presetNames('tasks').join(', ')}.` : `Did you mean ${close}?`,
  })
}

/** As readTask, without the places. */
export const loadTask = (name: string): TaskOptions => readTask(name).task

function checkFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  throw new UserError({
    at: `--path ${path}`,
    problem: 'there is no such folder.',
    remedy: 'Name the one with the official files.',
  })
}
