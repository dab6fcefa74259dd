import { commandLine, quoted } from '../../base/command_line.js'
import { ExperimentError } from '../../base/error.js'
import { experimentFile, presetFile } from '../../base/presets.js'
import { isMapping } from '../../base/yaml/merge.js'

/** Keys that only an experiment has, and keys that only a sweep has. */
const EXPERIMENT = ['backbone', 'method', 'task', 'training']
const SWEEP = ['experiment', 'axes', 'cells', 'draws', 'slurm']

/** Refuses a file's content if it is a sweep where an experiment is needed. `file` is as the user typed it. */
export function refuseSweep(file: string, value: unknown): void {
  if (has(value, SWEEP) && !has(value, EXPERIMENT)) throw sweepGiven(file)
}

/** Refuses a file's content if it is an experiment where a sweep is needed. */
export function refuseExperiment(file: string, value: unknown): void {
  if (has(value, EXPERIMENT) && !has(value, SWEEP)) throw experimentGiven(file)
}

/** Refuses the name of a shipped sweep where that of an experiment is needed. */
export function refuseSweepName(name: string): void {
  if (presetFile('sweeps', name)) throw sweepGiven(name)
}

/** Refuses the name of a shipped experiment where that of a sweep is needed. */
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
