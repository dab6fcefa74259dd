import { basename, dirname, extname, resolve } from 'node:path'
import type { BackboneConfig } from '../../backbone/registry.js'
import { commandLine } from '../../base/command_line.js'
import { type Complaint, ExperimentError } from '../../base/error.js'
import { isMapping, type Mapping, without } from '../../base/yaml/merge.js'
import { type Path, type Source, yamlSource } from '../../base/yaml/source.js'
import { yamlText } from '../../base/yaml/yaml_text.js'
import { methodOptions, methodProblems } from '../../method/options.js'
import { LOSS } from '../../task/metrics/direction.js'
import { isRankable } from '../../task/metrics/scoring.js'
import { applyOverride, type Override, overridesSource, parseOverrides, replacedBy } from '../overrides.js'
import { resolvePlace } from '../places.js'
import { type Experiment, experimentSchema, isExperimentText, MEAN } from '../schema.js'
import { type Fault, shown, wordIssues } from '../wording.js'
import { resolveBackbone } from './backbone.js'
import { resolveData } from './files.js'
import { findExperiment } from './find.js'
import { locatedFault } from './located_fault.js'
import { originsOf } from './origin.js'
import { refuseSweep } from './other_kind.js'
import { mergePresets } from './resolve.js'
import { asListed, intoList, listedMethods, methodsInFull, missingItem } from './several_methods.js'
import { taskFaults, unfitTagFaults } from './task_faults.js'

/** Everything that is wrong with an experiment; the message has one line per problem. */
export class ExperimentProblems extends ExperimentError {
  readonly complaints: readonly Complaint[]
  /** Whether all that is wrong is that the method does not fit the backbone's dimensions. */
  readonly misfit: boolean

  constructor(complaints: readonly Complaint[], { misfit = false } = {}) {
    const lines = complaints.map((complaint) => new ExperimentError(complaint).message)
    super(complaints.length === 1 ? complaints[0]! : { problem: lines.join('\n') })
    this.complaints = complaints
    this.misfit = misfit
  }
}

export interface LoadedExperiment {
  experiment: Experiment
  /** Dimensions of the backbone, untrimmed; undefined for a hub id that is not a preset's. */
  config: BackboneConfig | undefined
  /**
   * Returns where the value at this path, or the nearest value above it, was set: `file:line:column`, or `--set
   * key=value`.
   */
  locate(path: Path): string
}

/**
 * Reads, merges and checks an experiment: a file, or the name of one that comes with the toolkit (`quickstart`).
 * `overrides` are the texts of `--set`: `method.n=8`.
 * @throws ExperimentProblems
 */
export function loadExperiment(file: string, overrides: readonly (string | Override)[] = []): Experiment {
  return readExperiment(file, overrides).experiment
}

/** Returns a resolved experiment as the YAML of an experiment file with the same meaning. */
export function experimentYaml(experiment: Experiment): string {
  return yamlText(experiment)
}

/** As loadExperiment, but also returns the backbone's dimensions and where each value came from. */
export function readExperiment(file: string, overrides: readonly (string | Override)[] = []): LoadedExperiment {
  const complaints: Complaint[] = []
  const path = findExperiment(file)
  const source = listedMethods(yamlSource(path, dirname(resolve(path)), complaints, isExperimentText))
  refuseSweep(file, source.value)
  const sets = parseOverrides(overrides, complaints).map(intoList)
  const given = complaints.length === 0 ? givenTree(path, source, sets, complaints) : {}
  if (complaints.length > 0) throw new ExperimentProblems(complaints)
  return resolveExperiment(given, source, sets)
}

/**
 * As readExperiment, for what was read from that file before, with absolute paths: a run's experiment that continues
 * with other values.
 */
export function rereadExperiment(
  file: string,
  read: Experiment,
  overrides: readonly (string | Override)[],
): LoadedExperiment {
  const complaints: Complaint[] = []
  const source = yamlSource(file, dirname(resolve(file)), complaints, isExperimentText)
  const sets = parseOverrides(overrides, complaints).map(intoList)
  const given = complaints.length === 0 ? givenTree(file, { ...source, value: read }, sets, complaints) : {}
  if (complaints.length > 0) throw new ExperimentProblems(complaints)
  return resolveExperiment(given, source, sets)
}

function resolveExperiment(given: Mapping, source: Source, sets: readonly Override[]): LoadedExperiment {
  const complaints: Complaint[] = []
  const { tree, layers, faults, unknown } = mergePresets(given, complaints)
  const own = [replacedBy(source, sets), overridesSource(sets)].map((source) => ({ under: [], source }))
  const origin = originsOf([...layers.map((layer) => ({ ...layer, preset: true })), ...own])
  const folderOf = (path: Path) => origin(path).folder

  const config = placeBackbone(tree, folderOf, faults, complaints)
  placeStart(tree, folderOf)
  if (!unknown.has('task')) placeData(tree, given, folderOf, faults)
  const parsed = experimentSchema.safeParse(tree)
  if (!parsed.success) {
    const unknowable = ({ path }: { path: PropertyKey[] }) =>
      path.some((_, i) => unknown.has(path.slice(0, i + 1).join('.')))
    const issues = parsed.error.issues.filter((issue) => !unknowable(issue))
    faults.push(...wordIssues(issues, experimentSchema, tree))
  }
  faults.push(...lengthFaults(tree.training), ...positiveFaults(tree.task), ...taskFaults(tree.task))
  const unfit = config ? misfits(tree.method, config) : []
  faults.push(...unfit)
  if (parsed.success) {
    const checks = [bestMetricFaults, scoringFaults, evaluationRowsFaults, microBatchFaults, weightDecayFaults]
    faults.push(...checks.flatMap((faultsOf) => faultsOf(parsed.data)))
  }

  const locate = (path: Path) => origin(path).at
  complaints.push(...faults.map((fault) => asListed(locatedFault(fault, origin, tree))))
  complaints.sort((a, b) => a.at!.localeCompare(b.at!, 'en', { numeric: true }))
  if (!parsed.success || complaints.length > 0)
    throw new ExperimentProblems(complaints, { misfit: parsed.success && complaints.length === unfit.length })
  return { experiment: parsed.data, config, locate }
}

/** Returns the values of file and command line, before presets: names written as mappings, `--set` applied. */
function givenTree(file: string, { value, find }: Source, sets: readonly Override[], complaints: Complaint[]): Mapping {
  if (!isMapping(value)) {
    const found = value === null ? 'empty' : shown(value)
    const problem = `an experiment is ${found}; it must be a mapping of keys to values.`
    complaints.push({ at: find([]).at, problem, remedy: `${commandLine('config show quickstart')} prints one.` })
    return {}
  }
  const start = inFull({ name: basename(file, extname(file)), ...value })
  return sets.reduce((tree, { path, value, at }) => {
    const missing = missingItem(tree, path)
    const next = missing ? undefined : applyOverride(tree, path, value)
    const problem = `${path.slice(0, -1).join('.')} is not a mapping of keys to values.`
    if (!next) complaints.push({ at, problem, ...missing })
    return next ? inFull(next) : tree
  }, start)
}

/** Writes short forms in full: `method: compacter` means its preset, `backbone: t5-base` its name. */
function inFull(tree: Mapping): Mapping {
  const keys = { backbone: 'name', method: 'preset', task: 'preset' }
  const full = Object.entries(keys).filter(([key]) => typeof tree[key] === 'string')
  return {
    ...tree,
    ...Object.fromEntries(full.map(([key, name]) => [key, { [name]: tree[key] }])),
    ...methodsInFull(tree),
  }
}

function placeBackbone(tree: Mapping, folderOf: (path: Path) => string, faults: Fault[], complaints: Complaint[]) {
  if (!isMapping(tree.backbone) || typeof tree.backbone.name !== 'string') return undefined
  const found = resolveBackbone(tree.backbone.name, folderOf(['backbone', 'name']), complaints)
  faults.push(...found.faults)
  tree.backbone = { ...tree.backbone, name: found.name }
  return found.config
}

/**
 * Resolves the path of the run to start from. Training checks whether it exists, since a run that continues no longer
 * needs it.
 */
function placeStart(tree: Mapping, folderOf: (path: Path) => string): void {
  if (!isMapping(tree.training) || typeof tree.training.start_from !== 'string') return
  const start_from = resolvePlace(folderOf(['training', 'start_from']), tree.training.start_from)
  tree.training = { ...tree.training, start_from }
}

function placeData(tree: Mapping, given: Mapping, folderOf: (path: Path) => string, faults: Fault[]): void {
  if (!isMapping(tree.task)) return
  const path = isMapping(given.task) ? given.task.path : undefined
  const directory = typeof path === 'string' ? resolvePlace(folderOf(['task', 'path']), path) : undefined
  const resolved = resolveData({ kind: 'classification', ...tree.task }, folderOf, directory)
  tree.task = resolved.task
  faults.push(...resolved.faults)
}

function lengthFaults(training: unknown): Fault[] {
  if (!isMapping(training)) return []
  const { epochs, steps } = training
  if (epochs !== undefined && steps !== undefined) {
    const remedy = 'Keep one of the two; --set training.epochs=null takes the other out.'
    return [{ path: ['training', 'steps'], problem: 'training has both epochs and steps.', remedy }]
  }
  if (epochs !== undefined || steps !== undefined) return []
  return [{ path: ['training'], problem: 'training has neither epochs nor steps.', remedy: 'Needed: one of the two.' }]
}

/** Returns a fault where F1 is for a label that the task does not have. */
export function positiveFaults(task: unknown): Fault[] {
  if (!isMapping(task) || !isMapping(task.labels) || !Array.isArray(task.metrics)) return []
  if (task.kind === 'token_classification') return unfitTagFaults(task.labels, task.metrics)
  const { positive = '1', labels, metrics } = task
  if (!metrics.includes('f1') && !metrics.includes('f1a')) return []
  if (Object.hasOwn(labels as Mapping, String(positive))) return []
  const problem = `F1 is for the label ${shown(String(positive))}, which task.labels does not name.`
  const remedy = `Set task.positive to one of ${Object.keys(labels as Mapping).join(', ')}.`
  return [{ path: ['task', 'positive'], problem, remedy }]
}

function bestMetricFaults({ task, training: { best_metric } }: Experiment): Fault[] {
  const metrics: readonly string[] = task.metrics
  if ([MEAN, LOSS, ...metrics].includes(best_metric)) return []
  const problem = `training.best_metric is ${shown(best_metric)}, which is not among the task's metrics.`
  return [
    { path: ['training', 'best_metric'], problem, remedy: `Choose one of ${[MEAN, LOSS, ...metrics].join(', ')}.` },
  ]
}

function evaluationRowsFaults({ task, training: { evaluation_rows } }: Experiment): Fault[] {
  if (evaluation_rows === undefined || !('group' in task) || task.group === undefined) return []
  const problem =
    `training.evaluation_rows is ${evaluation_rows}, but task.group is ${shown(task.group)}: it ` +
    'would part rows that belong together.'
  return [
    { path: ['training', 'evaluation_rows'], problem, remedy: 'Take the key out: evaluations are on all rows then.' },
  ]
}

function scoringFaults({ task, training: { scoring } }: Experiment): Fault[] {
  if (scoring === 'generate' || isRankable(task)) return []
  const { kind } = task
  const problem = `training.scoring is ${scoring}, but the task is of kind ${kind}: its outputs are not a few labels.`
  return [{ path: ['training', 'scoring'], problem, remedy: 'Set it to generate.' }]
}

function microBatchFaults({ training: { batch_size: rows, micro_batch_size: micro } }: Experiment): Fault[] {
  if (micro === undefined) return []
  if (rows === 'auto') {
    const problem = 'training.batch_size is auto: as many rows as are computed at once, which micro_batch_size has set.'
    return [
      { path: ['training', 'micro_batch_size'], problem, remedy: 'Set batch_size to a number, or leave one out.' },
    ]
  }
  if (micro <= rows) return []
  const problem = `training.micro_batch_size is ${micro}, but a step has ${rows} rows (training.batch_size).`
  return [{ path: ['training', 'micro_batch_size'], problem, remedy: 'Set it to fewer rows than a step has.' }]
}

function weightDecayFaults({ training: { optimizer, weight_decay } }: Experiment): Fault[] {
  if (weight_decay === 0 || optimizer !== 'adam') return []
  const problem = `training.weight_decay is ${weight_decay}, which the optimizer adam does not have.`
  return [{ path: ['training', 'weight_decay'], problem, remedy: 'Set training.optimizer to adamw.' }]
}

/** Returns what does not fit the backbone. Options that are wrong in other ways are replaced by their defaults. */
function misfits(method: unknown, config: BackboneConfig): Fault[] {
  if (!isMapping(method)) return []
  const first = methodOptions.safeParse(method)
  const wrong = (first.error?.issues ?? []).flatMap((issue) =>
    'keys' in issue && issue.path.length === 0 ? issue.keys : String(issue.path[0]),
  )
  const options = first.success ? first : methodOptions.safeParse(without(method, ...wrong))
  if (!options.success) return []
  return methodProblems(options.data, config).map(({ path, involved = [], ...words }) => ({
    path: ['method', ...path],
    involved: involved.map((other) => ['method', ...other]),
    ...words,
  }))
}
