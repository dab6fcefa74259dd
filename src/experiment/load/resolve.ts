import { dirname } from 'node:path'
import type { Complaint } from '../../base/error.js'
import { type PresetKind, presetFile, presetNames } from '../../base/presets.js'
import { isMapping, type Mapping, merge, without } from '../../base/yaml/merge.js'
import { type Path, yamlSource } from '../../base/yaml/source.js'
import { isExperimentText } from '../schema.js'
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
  mergePreset('method', 'methods', merged, complaints)
  mergePreset('task', 'tasks', merged, complaints)
  return merged
}

/** Whether a preset allows any text at a path: a preset is under its key in the experiment. */
const isPresetText = {
  method: (path: Path) => isExperimentText(['method', ...path]),
  task: (path: Path) => isExperimentText(['task', ...path]),
}

function mergePreset(key: 'method' | 'task', kind: PresetKind, merged: Merged, complaints: Complaint[]): void {
  const own = merged.tree[key]
  if (!isMapping(own)) return
  if (own.preset === undefined && (key === 'task' || own.kind !== undefined)) return
  const file = typeof own.preset === 'string' ? presetFile(kind, own.preset) : undefined
  const source = file && yamlSource(file, dirname(file), complaints, isPresetText[key])
  if (!source || !isMapping(source.value)) {
    merged.unknown.add(key)
    if (key === 'method') merged.unknown.add('training.learning_rate')
    if (!source) merged.faults.push(presetFault(key, kind, own.preset))
    return
  }
  merged.layers.push({ under: [key], source })
  const { learning_rate, ...preset } = source.value
  if (key === 'method') takeLearningRate(learning_rate, merged, { under: ['training'], source })
  if (own.kind !== undefined && own.kind !== preset.kind) merged.faults.push(kindFault(key, own, preset))
  const base = key === 'task' ? { name: own.preset, ...taskPreset(preset, own) } : preset
  merged.tree[key] = merge({ ...base, kind: preset.kind }, without(own, 'preset', 'path', 'kind'))
}

/**
 * Drops a preset's names of labels if the experiment changes the training rows or the label column: the same values may
 * mean something else there.
 */
function taskPreset(preset: Mapping, own: Mapping): Mapping {
  const other = ['train', 'label', 'labels'].some((key) => own[key] !== undefined)
  return other ? without(preset, 'label_names') : preset
}

/** Uses a method preset's learning rate as the default of `training.learning_rate`. */
function takeLearningRate(rate: unknown, { tree, layers }: Merged, layer: Layer): void {
  if (rate === undefined || !isMapping(tree.training) || tree.training.learning_rate !== undefined) return
  tree.training = { ...tree.training, learning_rate: rate }
  layers.push(layer)
}

function presetFault(key: string, kind: PresetKind, preset: unknown): Fault {
  const names = presetNames(kind)
  const remedy = typeof preset === 'string' ? suggestion(preset, names, 'Presets') : `Presets: ${names.join(', ')}.`
  if (preset === undefined) return { path: [key], problem: `${key} has neither preset nor kind.`, remedy }
  return { path: [key, 'preset'], problem: `${key} is ${shown(preset)}; there is no such preset.`, remedy }
}

function kindFault(key: string, own: Mapping, preset: Mapping): Fault {
  const problem = `${key}.kind is ${shown(own.kind)}; the preset ${shown(own.preset)} is of kind ${shown(preset.kind)}.`
  return { path: [key, 'kind'], problem, remedy: 'Keep one of preset and kind.' }
}
