import { existsSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { SPLITS, type Split } from '../base/choices.js'
import { commandLine } from '../base/command_line.js'
import { type Complaint, UserError } from '../base/error.js'
import type { Path } from '../base/yaml/source.js'
import { nearFile } from '../experiment/load/files.js'
import { ExperimentProblems } from '../experiment/load/load.js'
import { type Override, parseOverrides } from '../experiment/overrides.js'
import { changePlaces, type Place } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import { sourceSplit } from '../task/rows/source.js'

/** `--set` may change only where a finished run's backbone and data are now. */
const KEYS: Record<string, Exclude<Place, 'start_from'>> = {
  'backbone.name': 'backbone',
  'task.train': 'train',
  'task.validation': 'validation',
  'task.test': 'test',
  'task.path': 'path',
}

export interface Moved {
  experiment: Experiment
  /** The places that were named, each with its `--set`. */
  set: ReadonlyMap<Place, string>
}

/** Whether a `--set key=value` says where something is now. */
export const isPlaceSet = (set: string | Override): set is string =>
  typeof set === 'string' && Object.hasOwn(KEYS, set.split('=', 1)[0]!)

/** Returns the `--set` that says where the value at this path is now. */
export const placeSet = ({ set }: Moved, path: Path): string | undefined => {
  const place = KEYS[path.join('.')]
  return place && set.get(place)
}

/**
 * Returns a run's experiment with its backbone and data where `--set` says that they are: `task.test=FILE`; `task.path`
 * is the folder of all files, under their old names.
 * @throws ExperimentProblems for another key, and for a place that does not exist.
 */
export function withPlaces(experiment: Experiment, sets: readonly string[]): Moved {
  const complaints: Complaint[] = []
  const places = new Map<Place, string>()
  const set = new Map<Place, string>()
  for (const override of parseOverrides(sets, complaints)) {
    const placed = placeOf(override, experiment)
    if ('problem' in placed) complaints.push({ at: override.at, ...placed })
    for (const [place, path] of 'places' in placed ? placed.places : []) {
      places.set(place, path)
      set.set(place, override.at)
    }
  }
  if (complaints.length > 0) throw new ExperimentProblems(complaints)
  return {
    experiment: changePlaces(withPath(experiment, places), (path, place) => places.get(place) ?? path),
    set,
  }
}

type Placed = { places: [Place, string][] } | Omit<Complaint, 'at'>

function placeOf({ path, value }: Override, experiment: Experiment): Placed {
  const place = KEYS[path.join('.')]
  if (place === undefined) {
    const problem = 'a run stays what it was made with; only where its backbone and data are can be set.'
    return { problem, remedy: `Keys: ${Object.keys(KEYS).join(', ')}.` }
  }
  if (typeof value !== 'string' || value === '') return { problem: 'the value is not a path.', remedy: 'Quote it.' }
  if (place === 'backbone') return { places: [[place, existsSync(value) ? resolve(value) : value]] }
  return dataPlace(place, value, experiment.task)
}

function dataPlace(place: Exclude<Place, 'backbone' | 'start_from'>, value: string, task: Experiment['task']): Placed {
  const file = resolve(value)
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory()
  if (isFolder === undefined) {
    const near = nearFile(file)
    return { problem: `there is no file ${file}.`, ...(near && { remedy: `Did you mean ${near}?` }) }
  }
  if (isFolder !== (place === 'path'))
    return { problem: isFolder ? 'is a folder; it must be a file.' : 'is a file; it must be the folder of the files.' }
  if (task.benchmark) {
    if (place === 'path') return { places: [[place, file]] }
    return { problem: `the benchmark ${task.benchmark} has files of its own.`, remedy: 'Name their folder: task.path.' }
  }
  if (task.dataset !== undefined || (place !== 'path' && task[place] === undefined)) return notThere(place, task)
  if (place !== 'path') return { places: [[place, file]] }
  const splits = SPLITS.filter((split) => task[split] !== undefined)
  return { places: splits.map((split) => [split, join(file, basename(task[split]!))]) }
}

/** Refuses a place that the run does not have: setting it would have no effect. */
const notThere = (place: 'path' | Split, { dataset, split }: Experiment['task']): Placed => ({
  problem:
    dataset === undefined
      ? `the run has no task.${place}: its task.split is ${split}.`
      : `the run's rows are those of the data set ${dataset}, not of files.`,
  remedy: `Score a file by itself: ${commandLine('eval RUN --task FILE')}.`,
})

/** Official files for a benchmark whose rows came from the hub. */
const withPath = (experiment: Experiment, places: Map<Place, string>): Experiment => {
  const path = places.get('path')
  return path === undefined ? experiment : { ...experiment, task: { ...experiment.task, path } }
}

/** Checks that the backbone's folder exists. @throws UserError that says how to name it if it was moved. */
export function checkBackboneThere(folder: string, { backbone }: Experiment): void {
  if (!isAbsolute(backbone.name) || existsSync(backbone.name)) return
  throw new UserError({
    at: folder,
    problem: `its backbone was in ${backbone.name}, where nothing is now.`,
    remedy: 'Say where it is: --set backbone.name=FOLDER.',
  })
}

/** Returns the `--set` that says where a split's rows are: `task.test=FILE`. */
export const rowsOption = (task: Experiment['task'], split: Split): string =>
  task.benchmark ? 'task.path=FOLDER' : `task.${sourceSplit(task, split)}=FILE`

/** Returns the key of the place that a split's rows are read from. */
export const rowsPlace = (task: Experiment['task'], split: Split): 'path' | Split =>
  task.benchmark ? 'path' : sourceSplit(task, split)

/** Checks that a split's rows exist. @throws UserError that says how to name them if they were moved. */
export function checkDataThere(folder: string, { task }: Experiment, split: Split): void {
  const place = task[rowsPlace(task, split)]
  if (place === undefined || existsSync(place)) return
  throw new UserError({
    at: folder,
    problem: `its ${split} rows were in ${place}, where nothing is now.`,
    remedy: `Say where they are: --set ${rowsOption(task, split)}.`,
  })
}
