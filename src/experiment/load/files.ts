import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { SPLITS } from '../../base/choices.js'
import { nearest } from '../../base/text/nearest.js'
import { type Mapping, without } from '../../base/yaml/merge.js'
import type { Path } from '../../base/yaml/source.js'
import { benchmarkNames } from '../../task/benchmark/official.js'
import { FILES_NEEDED } from '../../task/options.js'
import { resolvePlace } from '../places.js'
import { type Fault, shown, suggestion } from '../wording.js'

/**
 * Returns the task with absolute paths, and their faults. A relative file starts from the folder of the file that names
 * it, or from `directory`, the task's `path`. A benchmark keeps that folder, which has its official files.
 */
export function resolveData(task: Mapping, folderOf: (path: Path) => string, directory: string | undefined) {
  if (task.benchmark !== undefined) return resolveBenchmark(task, directory)
  if (task.dataset !== undefined) return { task: without(task, 'path'), faults: datasetFaults(task) }
  const faults = [...missingFiles(task), ...withoutDataset(task)]
  const files: Mapping = {}
  for (const split of SPLITS) {
    const given = task[split]
    if (typeof given !== 'string' || given === '') continue
    const file = resolvePlace(directory ?? folderOf(['task', split]), given)
    files[split] = file
    if (!existsSync(file)) faults.push(missingFile(['task', directory ? 'path' : split], `task.${split}`, given, file))
    else if (statSync(file).isDirectory()) {
      faults.push({
        path: ['task', split],
        problem: `task.${split} is ${shown(given)}, a directory; it must be a file.`,
      })
    }
  }
  return { task: { ...without(task, 'path'), ...files }, faults }
}

/** Checks only the keys; which splits and columns the data set has is known when it is read. */
function datasetFaults(task: Mapping): Fault[] {
  return ([...SPLITS, 'path'] as const)
    .filter((key) => task[key] !== undefined)
    .map((key) => ({
      path: ['task', key],
      problem: `task.${key} is ${shown(task[key])}, and the rows are those of the data set ${shown(task.dataset)}.`,
      remedy: 'Take one of the two out; task.splits tells what the data set calls its splits.',
    }))
}

function withoutDataset(task: Mapping): Fault[] {
  return ['config', 'splits']
    .filter((key) => task[key] !== undefined)
    .map((key) => ({
      path: ['task', key],
      problem: `task.${key} is ${shown(task[key])}, but there is no task.dataset that it is of.`,
      remedy: 'Name a data set of the hub, or take it out.',
    }))
}

function resolveBenchmark(task: Mapping, directory: string | undefined): { task: Mapping; faults: Fault[] } {
  const faults: Fault[] = (['dataset', 'config', 'splits', ...SPLITS] as const)
    .filter((split) => task[split] !== undefined)
    .map((split) => ({
      path: ['task', split],
      problem: `task.${split} is ${shown(task[split])}; the benchmark ${shown(task.benchmark)} has files of its own.`,
      remedy: 'Take one of the two out; task.path names a folder with the official files.',
    }))
  if (typeof task.benchmark === 'string' && !benchmarkNames().includes(task.benchmark)) {
    const remedy = suggestion(task.benchmark, benchmarkNames(), 'Benchmarks')
    faults.push({
      path: ['task', 'benchmark'],
      problem: `task.benchmark is ${shown(task.benchmark)}, which is not a benchmark.`,
      remedy,
    })
  }
  if (directory === undefined) return { task, faults }
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    const near = nearFile(directory)
    const problem =
      'task.path is ' +
      `${shown(directory)}${existsSync(directory) ? ', which is not a folder.' : '; there is no such folder.'}`
    faults.push({ path: ['task', 'path'], problem, ...(near && { remedy: `Did you mean ${near}?` }) })
  }
  return { task: { ...task, path: directory }, faults }
}

/** Returns a fault for the files that the task's way of splitting needs and the task does not name. */
function missingFiles(task: Mapping): Fault[] {
  const needed = FILES_NEEDED[task.split as keyof typeof FILES_NEEDED] ?? FILES_NEEDED.given
  const missing = needed.filter((split) => task[split] === undefined)
  if (missing.length === 0) return []
  const problem = `task has no ${missing.join(' and no ')}.`
  return [{ path: ['task'], problem, remedy: WAYS_OUT }]
}

const WAYS_OUT =
  'Name the files of train, validation and test; or set task.split to halves (validation gives test too), ' +
  'held_out (train gives validation too) or both_held_out (train gives both).'

function missingFile(path: string[], key: string, given: string, file: string): Fault {
  const near = nearFile(file)
  const problem = `${key} is ${shown(given)}; there is no file ${file}.`
  return { path, problem, ...(near && { remedy: `Did you mean ${near}?` }) }
}

/** Returns the name in the same folder that is most like that of a missing file. */
export function nearFile(file: string): string | undefined {
  const folder = dirname(file)
  return existsSync(folder) ? nearest(basename(file), readdirSync(folder)) : undefined
}
