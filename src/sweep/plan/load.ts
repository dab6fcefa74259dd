import { existsSync, statSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { commandLine } from '../../base/command_line.js'
import { type Complaint, ExperimentError } from '../../base/error.js'
import { experimentFile, experimentNames, presetFile, presetNames } from '../../base/presets.js'
import { isMapping } from '../../base/yaml/merge.js'
import { type Path, type Source, yamlSource } from '../../base/yaml/source.js'
import { yamlText } from '../../base/yaml/yaml_text.js'
import { nearFile } from '../../experiment/load/files.js'
import { ExperimentProblems, type LoadedExperiment, readExperiment } from '../../experiment/load/load.js'
import { refuseExperiment, refuseExperimentName } from '../../experiment/load/other_kind.js'
import { type Override, parseOverrides } from '../../experiment/overrides.js'
import type { Experiment } from '../../experiment/schema.js'
import { type Fault, shown, suggestion, wordIssues } from '../../experiment/wording.js'
import { axisKeys, expandAxes, sweepFaults } from './axes.js'
import { cellNames } from './names.js'
import { type Assignment, KEEP_ONE, replacing } from './rules.js'
import { isSweepText, type SlurmOptions, type Sweep, sweepSchema } from './schema.js'

/** One training run of a sweep: an ordinary experiment, and the values that distinguish it from the others. */
export interface Cell {
  /** The name of its run directory, in the sweep's folder. */
  name: string
  axes: Record<string, unknown>
  experiment: Experiment
}

/** A cell that knows where the values of its experiment were set. */
export interface LoadedCell extends Cell {
  locate: LoadedExperiment['locate']
}

/** A cell whose method does not fit the backbone's dimensions. */
export interface Misfit {
  name: string
  reason: string
}

export interface LoadedSweep {
  name: string
  /** Keys whose values distinguish the cells, in the order of the file. */
  axes: string[]
  cells: LoadedCell[]
  /** Cells that are left out because their method does not fit the backbone, where the file has `misfits: skip`. */
  skipped: Misfit[]
  slurm: SlurmOptions
  /** The sweep file with the values in force; `--set` is in `set`. */
  yaml: string
  /** Returns where the sweep file sets a value: `sweep.yaml:9:3`. */
  place: (path: Path) => string
}

/** The experiment that cells change, and their changes. */
export interface Expansion {
  file: string
  /** `sets` are applied in their order. */
  cells: { name: string; axes: Record<string, unknown>; sets: readonly (string | Override)[] }[]
  /** Takes the cells whose method does not fit the backbone; without it, and if none fits, they are refused. */
  skipped?: Misfit[]
}

/**
 * Reads a sweep, a file or the name of one that comes with the toolkit, and checks every cell of it. `overrides` are
 * the texts of `--set`, for all cells.
 * @throws ExperimentProblems with every distinct problem, and its place if it comes from the sweep file.
 */
export function loadSweep(file: string, overrides: readonly (string | Override)[] = []): LoadedSweep {
  const path = findSweep(file)
  const source = sourceOf(path)
  refuseExperiment(file, source.value)
  const sweep = parse(source)
  const faults: Fault[] = []
  const base = baseFile(sweep.experiment, source.folder, faults)
  const assignments = expandAxes(sweep, faults)
  const complaints = placed(faults, source)
  const sets = parseOverrides(overrides, complaints)
  const axes = axisKeys(sweep)
  complaints.push(...replacedSets(sets, axes))
  if (complaints.length > 0) throw new ExperimentProblems(complaints)
  const valuesOf = (cell: Assignment[]) => Object.fromEntries(cell.map(({ key, value }) => [key, value]))
  const names = cellNames(assignments.map(({ axes }) => valuesOf(axes)))
  const skipped: Misfit[] = []
  const cells = loadCells({
    file: base!,
    ...(sweep.misfits === 'skip' && { skipped }),
    cells: assignments.map((cell, i) => ({
      name: names[i]!,
      axes: valuesOf(cell.axes),
      sets: [...overridesOf([...ownSets(sweep), ...cell.sets], source), ...sets, ...overridesOf(cell.axes, source)],
    })),
  })
  const out = new Set(skipped.map((cell) => cell.name))
  const kept = assignments.filter((_, i) => !out.has(names[i]!))
  refuseDuplicates(cells, (i, first) => source.find(differing(kept[i]!.axes, kept[first]!.axes)).at)
  const { slurm, name = basename(path, extname(path)), ...rest } = sweep
  const set = { ...sweep.set, ...Object.fromEntries(sets.map(({ path, value }) => [path.join('.'), value])) }
  const yaml = yamlText({ name, ...rest, experiment: base!, set, slurm })
  return { name, axes, cells, skipped, slurm, yaml, place: (path) => source.find(path).at }
}

function findSweep(file: string): string {
  if (existsSync(file) && !statSync(file).isDirectory()) return file
  const shipped = presetFile('sweeps', file)
  if (shipped) return shipped
  refuseExperimentName(file)
  const near = nearFile(resolve(file))
  const remedy = near
    ? `Did you mean ${file.slice(0, file.length - basename(file).length)}${near}?`
    : suggestion(file, presetNames('sweeps'), 'Sweeps of the toolkit')
  throw new ExperimentError({ at: file, problem: 'there is no such file.', remedy })
}

function sourceOf(path: string): Source {
  const complaints: Complaint[] = []
  const source = yamlSource(path, dirname(resolve(path)), complaints, isSweepText)
  if (complaints.length === 0 && !isMapping(source.value)) {
    const value = source.value === null ? 'empty' : shown(source.value)
    const problem = `a sweep is ${value}; it must be a mapping of keys to values.`
    complaints.push({ at: source.find([]).at, problem, remedy: `${commandLine('list sweeps')} names some.` })
  }
  if (complaints.length > 0) throw new ExperimentProblems(complaints)
  return source
}

function parse(source: Source): Sweep {
  const parsed = sweepSchema.safeParse(source.value)
  const faults = parsed.success
    ? sweepFaults(parsed.data)
    : wordIssues(parsed.error.issues, sweepSchema, source.value, 'A sweep')
  if (!parsed.success || faults.length > 0) throw new ExperimentProblems(placed(faults, source))
  return parsed.data
}

/** Says each fault once: several rules can have the same one. */
function placed(faults: readonly Fault[], source: Source): Complaint[] {
  const complaints = faults.map(({ path, ...words }) => ({ at: source.find(path).at, ...words }))
  return sorted([...new Map(complaints.map((complaint) => [JSON.stringify(complaint), complaint])).values()])
}

const sorted = (complaints: Complaint[]) =>
  complaints.sort((a, b) => (a.at ?? '').localeCompare(b.at ?? '', 'en', { numeric: true }))

function baseFile(experiment: string, folder: string, faults: Fault[]): string | undefined {
  const file = resolve(folder, experiment)
  if (existsSync(file) && !statSync(file).isDirectory()) return file
  const shipped = experimentFile(experiment)
  if (shipped) return shipped
  const near = nearFile(file)
  const problem = `experiment is ${shown(experiment)}; there is no such experiment and no file ${file}.`
  const remedy = near
    ? `Did you mean ${near}?`
    : suggestion(experiment, experimentNames(), 'Experiments of the toolkit')
  faults.push({ path: ['experiment'], problem, remedy })
  return undefined
}

/** Refuses a value of --set that an axis replaces: tables would show it wrongly. */
const replacedSets = (sets: readonly Override[], axes: readonly string[]): Complaint[] =>
  sets.flatMap(({ path, value, at }) => {
    const axis = replacing(path.join('.'), value, axes)
    return axis === undefined
      ? []
      : [{ at, problem: `is replaced by the sweep's values of ${axis}.`, remedy: KEEP_ONE }]
  })

const ownSets = ({ set }: Sweep): Assignment[] =>
  Object.entries(set).map(([key, value]) => ({ key, value, at: ['set', key] }))

/** Sorts outer keys first, so that `method` and `method.n` can be given in any order. */
const overridesOf = (assignments: readonly Assignment[], source: Source): Override[] =>
  assignments
    .map(({ key, value, at }) => ({
      path: key.split('.'),
      value,
      at: source.find(at).at,
      inside: (path: Path) => source.find([...at, ...path]).at,
      folder: source.folder,
    }))
    .toSorted((a, b) => a.path.length - b.path.length)

/**
 * Loads the experiment of every cell.
 * @throws ExperimentProblems with each problem once, however many cells have it.
 */
export function loadCells({ file, cells, skipped }: Expansion): LoadedCell[] {
  const complaints = new Map<string, Complaint>()
  const misfits: ExperimentProblems[] = []
  const loaded = cells.flatMap(({ sets: own, ...cell }) => {
    try {
      const { experiment, locate } = readExperiment(file, own)
      if (experiment.training.batch_size === 'auto') throw autoBatch(locate(['training', 'batch_size']))
      return [{ ...cell, experiment, locate }]
    } catch (error) {
      if (!(error instanceof ExperimentProblems)) throw error
      if (skipped && error.misfit) {
        const reason = error.complaints.map(({ problem }) => problem).join(' ')
        skipped.push({ name: cell.name, reason })
        misfits.push(error)
      } else for (const complaint of error.complaints) complaints.set(JSON.stringify(complaint), complaint)
      return []
    }
  })
  if (loaded.length === 0 && misfits[0]) throw misfits[0]
  if (complaints.size > 0) throw new ExperimentProblems(sorted([...complaints.values()]))
  return loaded
}

const autoBatch = (at: string) =>
  new ExperimentProblems([
    {
      at,
      problem:
        'training.batch_size is auto: cells would differ by what is free when each begins, and share the ' +
        "machine's memory.",
      remedy: `Set it to a number of rows; \`${commandLine('train EXPERIMENT --dry-run')}\` says what auto is.`,
    },
  ])

function refuseDuplicates(cells: readonly Cell[], placeOf: (index: number, first: number) => string): void {
  const known = new Map<string, number>()
  const complaints = cells.flatMap((cell, i) => {
    const same = JSON.stringify(cell.experiment)
    const first = known.get(same) ?? i
    known.set(same, first)
    if (first === i) return []
    const problem = `the cells ${shownAxes(cells[first]!)} and ${shownAxes(cell)} are one experiment.`
    return [{ at: placeOf(i, first), problem, remedy: KEEP_ONE }]
  })
  const places = new Map(complaints.toReversed().map((complaint) => [complaint.at, complaint]))
  if (places.size > 0) throw new ExperimentProblems(sorted([...places.values()]))
}

/** Returns the last value of a cell whose key is set in another place in another cell. */
const differing = (cell: Assignment[], other: Assignment[]): Path =>
  cell.findLast(({ key, at }) => !isDeepStrictEqual(other.find((value) => value.key === key)?.at, at))?.at ??
  cell.at(-1)?.at ??
  []

const shownAxes = ({ axes }: Cell) =>
  `{${Object.entries(axes)
    .map(([key, value]) => `${key}: ${shown(value)}`)
    .join(', ')}}`
