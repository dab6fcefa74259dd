import type { T5Config } from '../backbone/config.js'
import { locateBackbone } from '../backbone/locate.js'
import { backbonePreset, readT5Config } from '../backbone/preset.js'
import type { Experiment } from '../experiment/schema.js'
import { methodOf } from '../method/registry.js'
import { startValues } from '../method/start.js'
import type { SafetensorsFile, WritableTensor } from '../safetensors.js'
import type { Trained } from './format.js'
import type { NameTable } from './names_elsewhere.js'

/** The backbone's dimensions, with no weight read. */
export async function dimensionsOf({ backbone }: Experiment): Promise<T5Config> {
  return backbonePreset(backbone.name)?.config ?? readT5Config(await locateBackbone(backbone.name))
}

/** Our tensors under another library's names, and the backbone's trained ones under their own. */
export function renamedTensors(
  { renamed, backbone }: NameTable,
  { experiment, tensors }: Trained,
  config: T5Config,
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

/** What is not trained is not in the run's file; other libraries cannot make it from our seed. */
function constantValues({ method: options, training }: Experiment, config: T5Config): Map<string, Float32Array> {
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
