import { join } from 'node:path'
import { backbonePreset } from '../backbone/files/preset.js'
import { loadTokenizer } from '../backbone/files/tokenizer.js'
import type { BackboneConfig } from '../backbone/registry.js'
import { type Complaint, ExperimentError } from '../base/error.js'
import { presetNames } from '../base/presets.js'
import { isMapping } from '../base/yaml/merge.js'
import { ExperimentProblems, type LoadedExperiment, readExperiment } from '../experiment/load/load.js'
import { methodName } from '../experiment/method_name.js'
import { optionsOf } from '../experiment/schema_walk.js'
import { type MethodOptions, methodKind, methodOptions, methodProblems } from '../method/options.js'
import type { Subject } from './parameters.js'

/** What to count. Without an experiment the defaults are the backbone t5-base and the method `all`. */
export interface Selection {
  experiment?: string | undefined
  /** Presets or directories, instead of the experiment's own backbone. */
  backbones?: string[] | undefined
  /** Presets, or `all`, instead of the experiment's own method. */
  methods?: string[] | undefined
  /** Texts of `--set`. One for a method's key applies to those of the methods that have the key. */
  sets?: string[] | undefined
}

interface ChosenBackbone {
  /** Undefined for the experiment's own. */
  named: string | undefined
  name: string
  config: BackboneConfig
}

interface ChosenMethod extends Pick<Subject, 'method' | 'changes' | 'options'> {
  /** Whether it came from `all`: then a backbone that it does not fit is not an error. */
  any: boolean
  locate: LoadedExperiment['locate']
}

/** Read where no experiment is named: only its backbone and its method are used, and both are replaced. */
const BLANK = 'quickstart'

/**
 * Returns every chosen method on every chosen backbone.
 * @throws ExperimentProblems for names and values that are wrong, and where a method that was named does not fit.
 */
export async function select(selection: Selection): Promise<Subject[]> {
  const backbones = await Promise.all(backboneNames(selection).map((name) => chooseBackbone(name, selection)))
  const methods = chooseMethods(selection, backbones[0]!)
  return backbones.flatMap((backbone) => methods.map((method) => onBackbone(method, backbone)))
}

const backboneNames = ({ backbones, experiment }: Selection): (string | undefined)[] =>
  backbones?.length ? [...new Set(backbones)] : [experiment ? undefined : 't5-base']

async function chooseBackbone(
  named: string | undefined,
  { experiment, sets = [] }: Selection,
): Promise<ChosenBackbone> {
  const own = sets.filter((set) => pathOf(set)[0] !== 'method')
  if (named !== undefined) refuseChoice('backbone', ['name'], own)
  const read = readNamed(experiment ?? BLANK, [...choice('backbone.name', named), 'method=full', ...own])
  const { name, trim_vocabulary } = read.experiment.backbone
  if (!read.config) {
    throw new ExperimentError({
      at: named === undefined ? read.locate(['backbone', 'name']) : `--backbone ${named}`,
      problem: `no preset knows the dimensions of ${name}.`,
      remedy: 'Name the folder that holds its config.json.',
    })
  }
  return { named, name: named ?? name, config: trim_vocabulary ? await trimmed(name, read.config) : read.config }
}

/**
 * Trims the vocabulary to the number of ids of the tokenizer: a preset states it, in a directory the tokenizer does.
 */
async function trimmed(backbone: string, config: BackboneConfig): Promise<BackboneConfig> {
  const known = backbonePreset(backbone)?.tokenizerVocabulary
  const vocabulary = known ?? (await loadTokenizer(join(backbone, 'tokenizer.json'))).vocabularySize
  return { ...config, vocabulary: Math.min(vocabulary, config.vocabulary) }
}

function chooseMethods({ experiment, methods, sets = [] }: Selection, backbone: ChosenBackbone): ChosenMethod[] {
  const own = sets.filter((set) => pathOf(set)[0] !== 'backbone')
  const read = (method: string | undefined, sets: readonly string[]) =>
    readMethod(experiment ?? BLANK, [...choice('method', method), ...sets], backbone)
  const preset = remembered((name) => read(name, []))
  if (experiment && !methods?.length) {
    const { experiment: resolved, locate } = read(undefined, own)
    return [{ ...nearestPreset(resolved.method, preset), options: resolved.method, any: false, locate }]
  }
  refuseChoice('method', ['preset', 'kind'], own)
  const names = methodNames(methods)
  const has = (name: string, key: string) => key in optionsOf(methodOptions, preset(name).experiment.method)
  const concerns = (set: string, name: string) => {
    const [first, key = ''] = pathOf(set)
    return first !== 'method' || has(name, key) || !names.some((other) => has(other, key))
  }
  return names.map((method) => {
    const concerned = own.filter((set) => concerns(set, method))
    const { experiment: resolved, locate } = concerned.length === 0 ? preset(method) : read(method, concerned)
    const changes = changesOf(resolved.method, preset(method).experiment.method)
    return { method, changes, options: resolved.method, any: !methods?.includes(method), locate }
  })
}

function remembered<T>(read: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>()
  return (name) => {
    const value = known.get(name) ?? read(name)
    known.set(name, value)
    return value
  }
}

function methodNames(methods: string[] | undefined): string[] {
  const named = methods?.length ? methods : ['all']
  return [...new Set(named.flatMap((name) => (name === 'all' ? presetNames('methods') : [name])))]
}

function onBackbone({ method, changes, options, any, locate }: ChosenMethod, backbone: ChosenBackbone): Subject {
  const subject = { backbone: backbone.name, method, changes, options, config: backbone.config }
  const problems = methodProblems(options, backbone.config)
  if (problems.length === 0) return subject
  if (any) return { ...subject, problem: problems.map(({ problem }) => problem).join(' ') }
  throw new ExperimentProblems(
    problems.map(({ path, ...words }) => asTyped({ at: locate(['method', ...path]), ...words })),
  )
}

/**
 * Returns the preset of the same kind from which the fewest options differ, and these options; several methods by the
 * names of them all.
 */
function nearestPreset(options: MethodOptions, preset: (name: string) => LoadedExperiment) {
  if (methodKind(options).parts) return { method: methodName(options), changes: [] }
  return presetNames('methods')
    .map((method) => ({ method, own: preset(method).experiment.method }))
    .filter(({ own }) => own.kind === options.kind)
    .map(({ method, own }) => ({ method, changes: changesOf(options, own) }))
    .reduce((best, next) => (next.changes.length < best.changes.length ? next : best))
}

/** Returns the options that differ, by the key's own name: `n=8`, `encoder_layers=5-`. */
function changesOf(options: object, from: object): string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const before = (from as Record<string, unknown>)[key]
    if (isMapping(value)) return changesOf(value, before as object)
    if (JSON.stringify(value) === JSON.stringify(before)) return []
    return [`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`]
  })
}

const pathOf = (set: string) => set.slice(0, Math.max(0, set.indexOf('='))).split('.')

/** Returns a name from a flag as the `--set` that means the same. */
const choice = (key: string, name: string | undefined) => (name === undefined ? [] : [`${key}=${JSON.stringify(name)}`])

/** Refuses to override what a flag chooses. */
function refuseChoice(flag: 'backbone' | 'method', keys: string[], sets: readonly string[]): void {
  for (const set of sets) {
    const [first, second] = pathOf(set)
    if (first !== flag || (second !== undefined && !keys.includes(second))) continue
    throw new ExperimentError({
      at: `--set ${set}`,
      problem: `chooses a ${flag}, where --${flag} does.`,
      remedy: `For instance: --${flag} ${set.slice(set.indexOf('=') + 1)}.`,
    })
  }
}

/**
 * Reads the method. Whether it fits is not checked yet, so if it does not, it is read with a backbone without
 * dimensions.
 */
function readMethod(experiment: string, overrides: string[], { named }: ChosenBackbone): LoadedExperiment {
  try {
    return readExperiment(experiment, [...choice('backbone.name', named), ...overrides])
  } catch {
    return readNamed(experiment, ['backbone.name=_/_', ...overrides])
  }
}

/** As readExperiment, but problems with a name are reported at the flag that gave it. */
function readNamed(experiment: string, overrides: string[]): LoadedExperiment {
  try {
    return readExperiment(experiment, overrides)
  } catch (error) {
    if (!(error instanceof ExperimentProblems)) throw error
    throw new ExperimentProblems(error.complaints.map(asTyped))
  }
}

function asTyped({ at, problem, remedy }: Complaint): Complaint {
  const [, flag, name] = /^--set (backbone|method)(?:\.name)?=(".*")$/.exec(at ?? '') ?? []
  return { ...(at && { at: flag ? `--${flag} ${JSON.parse(name!)}` : at }), problem, ...(remedy && { remedy }) }
}
