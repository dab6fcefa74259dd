import { type Site, siteName } from '../backbone/hooks.js'
import type { BackboneConfig } from '../backbone/registry.js'
import { layoutOf } from '../engine/model/layout.js'
import { sites } from '../method/adapter/placement.js'
import type {
  AdapterOptions,
  CompacterOptions,
  Ia3Options,
  LayerNormTuningOptions,
  LokrOptions,
  LoraOptions,
  PromptTuningOptions,
  VeraOptions,
} from '../method/options.js'
import { methodOf } from '../method/registry.js'

export type BottleneckOptions = AdapterOptions | CompacterOptions
/** Methods that other libraries have too. */
export type SharedOptions = BottleneckOptions | PromptTuningOptions | PeftOnlyOptions
type PeftOnlyOptions = LoraOptions | LokrOptions | VeraOptions | Ia3Options | LayerNormTuningOptions
export type OpendeltaOptions = BottleneckOptions | PromptTuningOptions

/** One of our tensors under the names of another library, which holds a copy under each of them. */
export interface Renamed {
  ours: string
  shape: number[]
  theirs: string[]
  /** Whether it is stored there as [out, in]; here it is [in, out]. */
  transposed: boolean
}

/** Our tensors of an adapter method and their names in another library; the backbone's own are listed apart. */
export interface NameTable {
  renamed: Renamed[]
  /** Hugging Face names of the backbone's tensors that were trained too. */
  backbone: { name: string; shape: number[] }[]
}

/**
 * Returns a table of every tensor that the outputs depend on; `rename` names the tensors of a site and the shared ones.
 */
export function nameTable(
  options: BottleneckOptions,
  config: BackboneConfig,
  rename: (name: string, site: Site | undefined, all: Site[]) => string[],
): NameTable {
  const method = methodOf(options)
  const placed = sites(options.placement, config)
  const { specs } = layoutOf([...method.parameters(options, config), ...(method.constants?.(options, config) ?? [])])
  const ofBackbone = specs.filter(({ start }) => start.kind === 'backbone')
  const renamed = specs
    .filter((spec) => !ofBackbone.includes(spec))
    .map(({ name: ours, shape }): Renamed => {
      const site = placed.find((site) => ours.startsWith(`${siteName(site)}.`))
      const theirs = rename(site ? ours.slice(siteName(site).length + 1) : ours, site, placed)
      return { ours, shape, theirs, transposed: ours.endsWith('.weight') && shape.length === 2 }
    })
  return { renamed, backbone: ofBackbone }
}

/** Returns the index of a sublayer in a block of transformers' T5. */
export const layerIndex = ({ stack, sublayer }: Site): number =>
  sublayer === 'attention' ? 0 : sublayer === 'feed_forward' && stack === 'decoder' ? 2 : 1

const PARTS = { s: 'W_left', t: 'W_right', b: 'W', bias: 'b' } as const

/** Returns the names that the PHM layers of both libraries have for `down.s`, `up.bias`, `down.rule.left`, …. */
export function phmPart(part: string): string {
  if (part.startsWith('rule')) return part.replace(/^rule/, 'phm_rule').replace('.', '_')
  return PARTS[part as keyof typeof PARTS]
}

/** The names of OpenDelta's layer behind a product, by its kind of layer. */
const OPENDELTA_LAYERS = {
  compacter: 'compactor',
  adapter: 'adapter',
  low_rank_adapter: 'low_rank_adapter',
} as const
export type OpendeltaType = keyof typeof OPENDELTA_LAYERS

export const opendeltaType = (options: BottleneckOptions): OpendeltaType =>
  options.kind === 'compacter' ? 'compacter' : options.factors === 'dense' ? 'adapter' : 'low_rank_adapter'

const MODULES = {
  attention: 'SelfAttention.o',
  cross_attention: 'EncDecAttention.o',
  feed_forward: 'DenseReluDense.wo',
}

/** Returns the product whose output an adapter takes: `encoder.block.3.layer.0.SelfAttention.o`. */
export const opendeltaModule = (site: Site): string =>
  `${site.stack}.block.${site.layer}.layer.${layerIndex(site)}.${MODULES[site.sublayer]}`

/** OpenDelta's layer of prompts belongs to the encoder, not to the embedding. */
export const OPENDELTA_PROMPT = 'encoder.soft_prompt_layer.soft_embeds'

/** Returns the names of OpenDelta 0.3 in a T5. It shares nothing: what we share is copied into every layer. */
export function opendeltaNames(options: OpendeltaOptions, config: BackboneConfig): NameTable {
  if (options.kind === 'prompt_tuning') {
    const shape = [options.length, config.dModel]
    return { renamed: [{ ours: 'prompt', shape, theirs: [OPENDELTA_PROMPT], transposed: false }], backbone: [] }
  }
  const type = opendeltaType(options)
  const projected = (site: Site, position: string, part: string) => {
    const layer = `${opendeltaModule(site)}.${OPENDELTA_LAYERS[type]}`
    return type === 'adapter'
      ? `${layer}.modulelist.${position}_proj.${part}`
      : `${layer}.${position}_sampler.${phmPart(part)}`
  }
  return nameTable(options, config, (name, site, all) => {
    const [head, ...rest] = name.split('.') as [string, ...string[]]
    if (site) return [projected(site, head, rest.join('.'))]
    if (head !== 'rule') return all.map((each) => projected(each, head, rest.join('.')))
    return all.flatMap((each) => ['down', 'up'].map((position) => projected(each, position, name)))
  })
}
