import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { commandLine, quoted } from '../base/command_line.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import { experimentFile } from '../base/presets.js'
import { type LoadedExperiment, readExperiment, rereadExperiment } from '../experiment/load/load.js'
import type { Override } from '../experiment/overrides.js'
import { foundPlaces } from '../experiment/places.js'
import { openRun, runFiles } from './directory.js'
import { runExperiment } from './experiment.js'
import { isPlaceSet, withPlaces } from './places.js'
import { readManifest } from './records.js'

/** What chooses the experiment of a training, besides its name. */
export interface Trainable {
  /** Values of --set. */
  sets?: readonly (string | Override)[] | undefined
  /** Whether to go on with a run. */
  resume: boolean
  /** Of the run. */
  folder?: string | undefined
}

class UnclearRun extends UserError {
  override readonly exitCode = BAD_USAGE
}

/**
 * Returns the experiment to train: from a file, from the toolkit, or, with `resume`, from a run, whose folder is then
 * `run`.
 * @throws UnclearRun where a run's folder is named without `resume`; ExperimentProblems.
 */
export function trainable(name: string, { sets = [], resume, folder }: Trainable): LoadedExperiment & { run?: string } {
  if (!(resume ? isFolder(name) : existsSync(runFiles(name).experiment))) return readExperiment(name, sets)
  if (!resume) {
    const remedy =
      `Go on with it: ${commandLine(`train --resume ${quoted(name)}`)}. To begin another: ` +
      `${commandLine(`train ${quoted(runFiles(name).experiment)} --run-dir FOLDER`)}.`
    throw new UnclearRun({ at: name, problem: 'is the folder of a run.', remedy })
  }
  if (folder !== undefined && resolve(folder) !== resolve(name)) {
    const problem = `there are two folders to go on in: ${name} and --run-dir ${folder}.`
    throw new UnclearRun({ problem, remedy: 'Name one of them.' })
  }
  return { ...experimentToGoOn(name, sets), run: name }
}

/** Whether the name is a folder. A shipped experiment of the same name comes first, unless the folder is a run's. */
function isFolder(name: string): boolean {
  if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) return false
  return existsSync(runFiles(name).experiment) || experimentFile(name) === undefined
}

/** Each key sets the length of a run; the one that `--set` has replaces the other. */
const OTHER = { 'training.steps': 'epochs', 'training.epochs': 'steps' } as const

/**
 * Returns the experiment of a run to continue, with the texts of `--set` applied: where its backbone and data are now,
 * and other values, of which training accepts those that may change.
 */
function experimentToGoOn(folder: string, sets: readonly (string | Override)[]): LoadedExperiment {
  const files = openRun(folder)
  const stored = foundPlaces(runExperiment(files.experiment), readManifest(files)?.places ?? {})
  const { experiment } = withPlaces(stored, sets.filter(isPlaceSet))
  const others = sets.filter((set) => !isPlaceSet(set))
  return rereadExperiment(files.experiment, experiment, [...replaced(others), ...others])
}

const replaced = (sets: readonly (string | Override)[]): Override[] =>
  Object.entries(OTHER).flatMap(([key, other]) => {
    const setOf = (key: string) => sets.find((set) => typeof set === 'string' && set.startsWith(`${key}=`))
    const at = setOf(key)
    const both = setOf(`training.${other}`) !== undefined
    return at && !both ? [{ path: ['training', other], value: null, at: `--set ${at}` }] : []
  })
