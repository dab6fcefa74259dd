import { commandLine, quoted } from '../../base/command_line.js'
import { ExperimentError } from '../../base/error.js'
import { experimentFile, presetFile } from '../../base/presets.js'
import { isMapping } from '../../base/yaml/merge.js'

/** Keys that a file of each kind has, and none of the other does. */
const EXPERIMENT = ['backbone', 'method', 'task', 'training']
const SWEEP = ['experiment', 'axes', 'cells', 'draws', 'slurm']

/** Refuses a file, read, that is a sweep where an experiment is asked for. `file` is as the user typed it. */
export function refuseSweep(file: string, value: unknown): void {
  if (has(value, SWEEP) && !has(value, EXPERIMENT)) throw sweepGiven(file)
}

/** Refuses a file, read, that is an experiment where a sweep is asked for. */
export function refuseExperiment(file: string, value: unknown): void {
  if (has(value, EXPERIMENT) && !has(value, SWEEP)) throw experimentGiven(file)
}

/** Refuses the name of a sweep that comes with the toolkit where that of an experiment is asked for. */
export function refuseSweepName(name: string): void {
  if (presetFile('sweeps', name)) throw sweepGiven(name)
}

/** Refuses the name of an experiment that comes with the toolkit where that of a sweep is asked for. */
export function refuseExperimentName(name: string): void {
  if (experimentFile(name)) throw experimentGiven(name)
}

const has = (value: unknown, keys: readonly string[]) =>
  isMapping(value) && keys.some((key) => Object.hasOwn(value, key))

const sweepGiven = (file: string) =>
  new ExperimentError({
    at: file,
    problem: 'is a sweep, many experiments in one; one experiment is needed here.',
    remedy: `Train all of them with: ${commandLine(`sweep run ${quoted(file)}`)} (--dry-run checks them).`,
  })

const experimentGiven = (file: string) =>
  new ExperimentError({
    at: file,
    problem: 'is an experiment, not a sweep of several.',
    remedy: `Train it with: ${commandLine(`train ${quoted(file)}`)} (--dry-run checks it).`,
  })
