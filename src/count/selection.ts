import { isDeepStrictEqual } from 'node:util'
import { backbonePreset } from '../backbone/files/preset.js'
import { loadTokenizerIn } from '../backbone/files/tokenizer.js'
import type { BackboneConfig } from '../backbone/registry.js'
import { quoted } from '../base/command_line.js'
import { type Complaint, ExperimentError } from '../base/error.js'
import { presetNames } from '../base/presets.js'
import { isMapping } from '../base/yaml/merge.js'
import { ExperimentProblems, type LoadedExperiment, readExperiment } from '../experiment/load/load.js'
import { methodName } from '../experiment/method_name.js'
import type { Override } from '../experiment/overrides.js'
import { refuseSameTensors } from '../experiment/same_tensors.js'
import { optionsOf } from '../experiment/schema_walk.js'
import { type MethodOptions, methodKind, methodOptions, methodProblems } from '../method/options.js'
import type { Subject } from './parameters.js'

/** What to count. Without an experiment the defaults are the backbone t5-base and the method `all`. */
export interface Selection {
  experiment?: string | undefined
  /** Presets or directories, instead of the experiment's own backbone. */
  backbones?: string[] | undefined
  /** Presets, lists of them as YAML (`[lora, bitfit]`), or `all`; next to the experiment's own method. */
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
  const vocabulary = known ?? (await loadTokenizerIn(backbone)).vocabularySize
  return { ...config, vocabulary: Math.min(vocabulary, config.vocabulary) }
}

function chooseMethods({ experiment, methods = [], sets = [] }: Selection, backbone: ChosenBackbone): ChosenMethod[] {
  const given = sets.filter((set) => pathOf(set)[0] !== 'backbone')
  const read = (name: string | undefined, sets: readonly string[]) =>
    readMethod(experiment ?? BLANK, [...methodChoice(name), ...sets], backbone)
  const alone = remembered((name: string | undefined) => read(name, []))
  const own = experiment === undefined ? [] : [undefined]
  const names = [...own, ...(own.length === 0 || methods.length > 0 ? methodNames(methods) : [])]
  if (names.some((name) => name !== undefined)) refuseChoice('method', ['preset', 'kind'], given)
  const keysOf = remembered((name) => optionsOf(methodOptions, alone(name).experiment.method))
  const concerns = (set: string, name: string | undefined) => {
    const [first, key = ''] = pathOf(set)
    return (
      names.length === 1 || first !== 'method' || key in keysOf(name) || !names.some((other) => key in keysOf(other))
    )
  }
  const chosen = names.map((name): ChosenMethod => {
    const concerned = given.filter((set) => concerns(set, name))
    const { experiment: resolved, locate } = concerned.length === 0 ? alone(name) : read(name, concerned)
    const options = resolved.method
    const any = name !== undefined && !methods.includes(name)
    return { ...named(name, options, (preset) => alone(preset).experiment.method), options, any, locate }
  })
  const first = ({ options }: ChosenMethod) => chosen.findIndex((one) => isDeepStrictEqual(one.options, options))
  return own.length === 0 ? chosen : chosen.filter((one, i) => first(one) === i)
}

function remembered<T>(read: (name: string | undefined) => T): (name: string | undefined) => T {
  const known = new Map<string | undefined, T>()
  return (name) => {
    const value = known.get(name) ?? read(name)
    known.set(name, value)
    return value
  }
}

function methodNames(methods: string[]): string[] {
  const named = methods.length > 0 ? methods : ['all']
  return [...new Set(named.flatMap((name) => (name === 'all' ? presetNames('methods') : [name])))]
}

function onBackbone({ method, changes, options, any, locate }: ChosenMethod, backbone: ChosenBackbone): Subject {
  const subject = { backbone: backbone.name, method, changes, options, config: backbone.config }
  const problems = methodProblems(options, backbone.config)
  if (problems.length === 0) {
    refuseSameTensors(options, backbone.config, (path) => asTyped({ at: locate(path), problem: '' }).at!)
    return subject
  }
  if (any) return { ...subject, problem: problems.map(({ problem }) => problem).join(' ') }
  throw new ExperimentProblems(
    problems.map(({ path, ...words }) => asTyped({ at: locate(['method', ...path]), ...words })),
  )
}

/**
 * Names options by the preset that was chosen, otherwise by that of the same kind from which the fewest of them differ,
 * and those that differ; several methods by the names of them all.
 */
function named(chosen: string | undefined, options: MethodOptions, preset: (name: string) => MethodOptions) {
  if (methodKind(options).parts) return { method: methodName(options), changes: [] }
  const names = chosen === undefined || isList(chosen) ? presetNames('methods') : [chosen]
  return names
    .map((method) => ({ method, own: preset(method) }))
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

/** A list of methods is YAML, as an experiment has it. */
const isList = (method: string) => method.startsWith('[')
const methodChoice = (name: string | undefined) => (name && isList(name) ? [`method=${name}`] : choice('method', name))

/** Refuses to override what a flag chooses. */
function refuseChoice(flag: 'backbone' | 'method', keys: string[], sets: readonly string[]): void {
  for (const set of sets) {
    const [first, second] = pathOf(set)
    if (first !== flag || (second !== undefined && !keys.includes(second))) continue
    throw new ExperimentError({
      at: `--set ${set}`,
      problem: `chooses a ${flag}, where --${flag} does.`,
      remedy: `For instance: --${flag} ${quoted(set.slice(set.indexOf('=') + 1))}.`,
    })
  }
}

/** A learning rate for experiments without one, where presets do not agree on it either: counting needs none. */
const ANY_RATE: Override = { path: ['training', 'learning_rate'], value: 1, at: 'training' }

/**
 * Reads the method. Whether it fits is not checked yet, so if it does not, it is read with a backbone without
 * dimensions.
 */
function readMethod(experiment: string, overrides: string[], { named }: ChosenBackbone): LoadedExperiment {
  try {
    return readExperiment(experiment, [ANY_RATE, ...choice('backbone.name', named), ...overrides])
  } catch {
    return readNamed(experiment, [ANY_RATE, 'backbone.name=_/_', ...overrides])
  }
}

/** As readExperiment, but problems with a name are reported at the flag that gave it. */
function readNamed(experiment: string, overrides: (string | Override)[]): LoadedExperiment {
  try {
    return readExperiment(experiment, overrides)
  } catch (error) {
    if (!(error instanceof ExperimentProblems)) throw error
    throw new ExperimentProblems(error.complaints.map(asTyped))
  }
}

function asTyped({ at, problem, remedy }: Complaint): Complaint {
  const [, flag, name = ''] = /^--set (backbone|method)(?:\.name)?=(".*"|\[.*)$/.exec(at ?? '') ?? []
  const typed = isList(name) ? name : name && JSON.parse(name)
  return { ...(at && { at: flag ? `--${flag} ${typed}` : at }), problem, ...(remedy && { remedy }) }
}
