import { dirname } from 'node:path'
import type { Complaint } from '../../base/error.js'
import { type PresetKind, presetFile, presetNames } from '../../base/presets.js'
import { isMapping, type Mapping, merge, without } from '../../base/yaml/merge.js'
import { type Path, type Source, yamlSource } from '../../base/yaml/source.js'
import { standsWithOthers } from '../../method/options.js'
import { isExperimentText } from '../schema.js'
import { meansKey } from '../synonyms.js'
import { type Fault, shown, suggestion } from '../wording.js'
import type { Layer } from './origin.js'

interface Merged {
  tree: Mapping
  /** The preset files that values came from, with the key that each is under. */
  layers: Layer[]
  faults: Fault[]
  /** Keys whose preset is wrong, so nothing at or below them can be checked. */
  unknown: Set<string>
}

/**
 * Merges the named presets of method and task with the experiment's own values, which win. YAML errors in presets go
 * into `complaints`.
 */
export function mergePresets(given: Mapping, complaints: Complaint[]): Merged {
  const merged: Merged = { tree: { ...given }, layers: [], faults: [], unknown: new Set() }
  takeLearningRate([mergePreset(['method'], 'methods', merged, complaints)], merged)
  takeLearningRate(mergeUnion(merged, complaints), merged)
  mergePreset(['task'], 'tasks', merged, complaints)
  return merged
}

/** Merges the presets of each of several methods. */
function mergeUnion(merged: Merged, complaints: Complaint[]): (Source | undefined)[] {
  const { method } = merged.tree
  if (!isMapping(method) || !Array.isArray(method.methods)) return []
  return method.methods.map((_, i) => mergePreset(['method', 'methods', i], 'methods', merged, complaints))
}

type Key = 'method' | 'task'
/** `method`, `task`, or one of several methods. */
type PresetPath = readonly [Key, ...Path]

/** Whether a preset allows any text at a path: a preset is under its key in the experiment. */
const isPresetText = {
  method: (path: Path) => isExperimentText(['method', ...path]),
  task: (path: Path) => isExperimentText(['task', ...path]),
}

/** Returns the preset, where there is one. */
function mergePreset(path: PresetPath, kind: PresetKind, merged: Merged, complaints: Complaint[]): Source | undefined {
  const key = path[0]
  const own = valueAt(merged.tree, path)
  if (!isMapping(own)) return undefined
  if (own.preset === undefined && (key === 'task' || own.kind !== undefined)) return undefined
  const file = typeof own.preset === 'string' ? presetFile(kind, own.preset) : undefined
  const source = file && yamlSource(file, dirname(file), complaints, isPresetText[key])
  if (!source || !isMapping(source.value)) {
    merged.unknown.add(path.join('.'))
    if (key === 'method') merged.unknown.add('training.learning_rate')
    if (!source) merged.faults.push(presetFault(path, kind, own))
    return undefined
  }
  merged.layers.push({ under: path, source })
  const { learning_rate: _, ...preset } = source.value
  if (path[1] === 'methods' && !standsWithOthers(preset.kind)) {
    for (const key of [path.join('.'), 'training.learning_rate']) merged.unknown.add(key)
    merged.faults.push(aloneFault(path, own.preset, preset))
    return undefined
  }
  if (own.kind !== undefined && own.kind !== preset.kind) merged.faults.push(kindFault(path, own, preset))
  const base = key === 'task' ? { name: own.preset, ...taskPreset(preset, own) } : preset
  const whole = merge({ ...base, kind: preset.kind }, without(own, 'preset', 'path', 'kind'))
  merged.tree = replaced(merged.tree, path, whole) as Mapping
  return source
}

const valueAt = (tree: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], tree)

/** Returns the tree with another value at a path that it has. */
function replaced(tree: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value
  const inner = replaced((tree as Record<PropertyKey, unknown>)[key], rest, value)
  return Array.isArray(tree) ? tree.with(Number(key), inner) : { ...(tree as Mapping), [key]: inner }
}

/**
 * Drops a preset's names of labels if the experiment changes the training rows or the label column: the same values may
 * mean something else there.
 */
function taskPreset(preset: Mapping, own: Mapping): Mapping {
  const other = ['train', 'label', 'labels'].some((key) => own[key] !== undefined)
  return other ? without(preset, 'label_names') : preset
}

/**
 * Uses the learning rate of method presets as the default of `training.learning_rate`; several methods have to agree on
 * it.
 */
function takeLearningRate(presets: readonly (Source | undefined)[], merged: Merged): void {
  const { training } = merged.tree
  if (!isMapping(training) || training.learning_rate !== undefined) return
  const having = presets.flatMap((source) => (source && rateOf(source) !== undefined ? [source] : []))
  const rates = [...new Set(having.map(rateOf))]
  if (rates.length > 1) {
    merged.unknown.add('training.learning_rate')
    const problem = `the presets of the methods have different learning rates: ${rates.join(', ')}.`
    merged.faults.push({ path: ['method'], problem, remedy: 'Set training.learning_rate.' })
  } else if (having[0]) {
    merged.tree = { ...merged.tree, training: { ...training, learning_rate: rates[0] } }
    merged.layers.push({ under: ['training'], source: having[0] })
  }
}

const rateOf = ({ value }: Source): unknown => (value as Mapping).learning_rate

function presetFault(path: PresetPath, kind: PresetKind, { preset, ...own }: Mapping): Fault {
  const key = path.join('.')
  const names = presetNames(kind)
  const remedy = typeof preset === 'string' ? suggestion(preset, names, 'Presets') : `Presets: ${names.join(', ')}.`
  if (preset === undefined) {
    const alias = Object.keys(own).find((name) => meansKey(name, `${path[0]}.kind`))
    const meant = alias === undefined ? remedy : `Did you mean kind by ${alias}?`
    return { path: [...path], problem: `${key} has neither preset nor kind.`, remedy: meant }
  }
  return { path: [...path, 'preset'], problem: `${key} is ${shown(preset)}; there is no such preset.`, remedy }
}

/** Says why a preset cannot be one of several methods. */
function aloneFault(path: Path, name: unknown, preset: Mapping): Fault {
  const several = Array.isArray(preset.methods)
  const what = several ? 'which is several methods itself' : 'which changes all of the backbone'
  const remedy = several ? 'Write its methods in the list instead.' : 'Train it alone.'
  const problem = `${path.join('.')} is ${shown(name)}, ${what}: it cannot be one of several.`
  return { path: [...path, 'preset'], problem, remedy }
}

function kindFault(path: Path, own: Mapping, preset: Mapping): Fault {
  const key = path.join('.')
  const problem = `${key}.kind is ${shown(own.kind)}; the preset ${shown(own.preset)} is of kind ${shown(preset.kind)}.`
  return { path: [...path, 'kind'], problem, remedy: 'Keep one of preset and kind.' }
}
