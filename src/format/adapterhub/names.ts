import { normName, TYPES } from '../../backbone/bert/names.js'
import { normName as inDeberta } from '../../backbone/deberta/tensors.js'
import type { Site } from '../../backbone/hooks.js'
import { type BackboneConfig, headTensors } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { type BottleneckOptions, layerIndex, type NameTable, nameTable, phmPart } from '../names_elsewhere.js'

/** The version of the library whose files these are. */
export const VERSION = 'adapters.1.2.0'

export const ADAPTERHUB_FILES = {
  config: 'adapter_config.json',
  weights: 'adapter.safetensors',
  /** Ours, for what the library has no file for. */
  norms: 'layer_norms.safetensors',
  headConfig: 'head_config.json',
  head: 'model_head.safetensors',
}

/** Where the library puts adapters into a model. */
interface Places {
  /** The module that names of the whole model start with. */
  base: string
  /** The module that holds the adapters of a sublayer. */
  at(site: Site): string
}

/** Returns the library's places in a model; undefined where it has none. */
export function placesOf(config: BackboneConfig): Places | undefined {
  switch (config.family) {
    case 't5':
      return {
        base: 'transformer',
        at: (site) => `transformer.${site.stack}.block.${site.layer}.layer.${layerIndex(site)}`,
      }
    case 'bert': {
      const { modelType } = config
      const { prefix, layers } = TYPES[modelType]
      const inDistilbert = ({ layer, sublayer }: Site) =>
        `${prefix}.${layers}.${layer}.${sublayer === 'attention' ? 'attention' : 'output'}_adapters`
      const next = (site: Site) => normName(modelType, site).replace(/\.LayerNorm$/, '')
      return { base: prefix, at: modelType === 'distilbert' ? inDistilbert : next }
    }
    case 'deberta':
      return { base: 'deberta', at: (site) => inDeberta(site).replace(/\.LayerNorm$/, '') }
    case 'modernbert':
      return undefined
    default:
      return assertNever(config, 'family')
  }
}

/**
 * Returns the names that the library `adapters` gives to an adapter called `adapter`, with what is stored under
 * transformers' names: trained norms, and the head of an encoder.
 */
export function adapterhubNames(options: BottleneckOptions, config: BackboneConfig, adapter: string): NameTable {
  const places = placesOf(config)
  if (!places) throw new Error(`the library has no adapters in a ${config.family}`)
  const first = options.layer_norm === 'before' || options.layer_norm === 'both' ? 1 : 0
  const projection = { down: `adapter_down.${first}`, up: 'adapter_up' }
  const { renamed, backbone } = nameTable(options, config, (name, site) => {
    if (!site) return [`${places.base}.shared_parameters.${adapter}.${sharedPart(name)}`]
    const prefix = `${places.at(site)}.adapters.${adapter}`
    const [head, ...rest] = name.split('.') as [string, ...string[]]
    const part = rest.join('.')
    if (head === 'norm_after') return [`${prefix}.adapter_norm_after.${part}`]
    if (head === 'norm_before') return [`${prefix}.adapter_norm_before.${part}`, `${prefix}.adapter_down.0.${part}`]
    const projected = `${prefix}.${projection[head as 'down' | 'up']}`
    return [`${projected}.${options.kind === 'adapter' ? part : phmPart(part)}`]
  })
  const ofHead = [...headTensors(config)].map(([name, { shape }]) => ({ name, shape }))
  return { renamed, backbone: [...backbone, ...ofHead] }
}

/** Whether the library keeps a tensor in its file of the head: all of the head that is not in the backbone. */
export function isInHeadFile(name: string, config: BackboneConfig): boolean {
  return headTensors(config).has(name) && !name.startsWith(`${placesOf(config)?.base}.`)
}

/** Renames what belongs to the whole model: `rule` → `phm_rule`, `down.s` → `W_down_left`. */
function sharedPart(name: string): string {
  if (name.startsWith('rule')) return phmPart(name)
  const [position, factor] = name.split('.') as [string, string]
  return `W_${position}_${factor === 's' ? 'left' : 'right'}`
}
