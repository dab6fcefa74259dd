import { locateBackbone } from '../backbone/files/locate.js'
import { backbonePreset, readConfig } from '../backbone/files/preset.js'
import { loadTokenizerIn } from '../backbone/files/tokenizer.js'
import type { BackboneConfig } from '../backbone/registry.js'
import type { SafetensorsFile, WritableTensor } from '../base/safetensors/safetensors.js'
import type { Experiment } from '../experiment/schema.js'
import { methodOf } from '../method/registry.js'
import { startValues } from '../method/start.js'
import type { Trained } from './format.js'
import type { NameTable } from './names_elsewhere.js'

/** Returns the backbone's dimensions, with the vocabulary in force, without reading weights. */
export async function dimensionsOf({ backbone }: Pick<Experiment, 'backbone'>): Promise<BackboneConfig> {
  const preset = backbonePreset(backbone.name)
  const folder = preset ? undefined : await locateBackbone(backbone.name)
  const config = preset?.config ?? readConfig(folder!)
  if (!backbone.trim_vocabulary) return config
  const vocabulary = preset?.tokenizerVocabulary ?? (await loadTokenizerIn(folder!)).vocabularySize
  return { ...config, vocabulary }
}

/** Returns our tensors under another library's names, and the backbone's trained ones under their own. */
export function renamedTensors(
  { renamed, backbone }: NameTable,
  { experiment, config, tensors }: Trained,
): { own: [string, WritableTensor][]; ofBackbone: [string, WritableTensor][] } {
  const constants = constantValues(experiment, config)
  const own = renamed.flatMap(({ ours, shape, theirs, transposed }) => {
    const values = constants.get(ours) ?? tensors.read(ours)
    const tensor = transposed ? transpose(values, shape) : { shape, data: values }
    return theirs.map((name): [string, WritableTensor] => [name, tensor])
  })
  const ofBackbone = backbone.map(({ name }): [string, WritableTensor] => [name, stored(tensors, name)])
  return { own, ofBackbone }
}

const stored = (tensors: SafetensorsFile, name: string): WritableTensor => ({
  shape: tensors.entries.get(name)?.shape ?? [],
  data: tensors.read(name),
})

/** Returns tensors that are not trained, which the run's file lacks: other libraries cannot make them from our seed. */
function constantValues({ method: options, training }: Experiment, config: BackboneConfig): Map<string, Float32Array> {
  const specs = methodOf(options).constants?.(options, config) ?? []
  const none = () => {
    throw new Error('a constant of an adapter takes nothing from the backbone')
  }
  return new Map(specs.map((spec) => [spec.name, startValues(spec, training.seed, none)]))
}

/** [rows, columns] → [columns, rows] */
export function transpose(values: Float32Array, [rows, columns]: number[]): { shape: number[]; data: Float32Array } {
  const data = new Float32Array(values.length)
  for (let i = 0; i < rows!; i++) for (let j = 0; j < columns!; j++) data[j * rows! + i] = values[i * columns! + j]!
  return { shape: [columns!, rows!], data }
}
