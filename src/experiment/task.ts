import { existsSync, statSync } from 'node:fs'
import { UserError } from '../error.js'
import { nearest } from '../nearest.js'
import { experimentNames, presetNames } from '../presets.js'
import type { TaskOptions } from '../task/options.js'
import { loadExperiment } from './load.js'

/** Any experiment does to read a task preset by: presets are merged and checked in experiments. */
const CARRIER = 'quickstart'

/**
 * The task of that name, or of an experiment (a file, or a shipped one). `path`: a folder with a benchmark's official
 * files.
 * @throws UserError if there is neither, or the experiment is wrong.
 */
export function loadTask(name: string, path?: string): TaskOptions {
  if (path !== undefined) checkFolder(path)
  const from = path === undefined ? [] : [`task.path=${JSON.stringify(path)}`]
  if (existsSync(name) || experimentNames().includes(name)) return loadExperiment(name, from).task
  if (presetNames('tasks').includes(name)) return loadExperiment(CARRIER, [`task.preset=${name}`, ...from]).task
  const close = nearest(name, [...presetNames('tasks'), ...experimentNames()])
  throw new UserError({
    at: name,
    problem: 'there is no such task, experiment or file.',
    remedy: close === undefined ? `Tasks: ${presetNames('tasks').join(', ')}.` : `Did you mean ${close}?`,
  })
}

function checkFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  throw new UserError({
    at: `--path ${path}`,
    problem: 'there is no such folder.',
    remedy: 'Name the one with the official files.',
  })
}
