import type { BackboneConfig } from '../backbone/registry.js'
import { UserError } from '../base/error.js'
import type { ForeignFile, ForeignTensor } from './foreign.js'

/** A sublayer that has an adapter in the file. */
export interface FoundSite {
  stack: string
  layer: number
  sublayer: 'attention' | 'cross_attention' | 'feed_forward'
  /** The part of its tensors' names in front of `down_sampler` or the like. */
  prefix: string
}

/**
 * Returns the sublayers for which a file has adapters; `pattern` captures the stack, block, layer and all that precedes
 * the projection.
 */
export function sitesIn({ tensors }: ForeignFile, pattern: RegExp): FoundSite[] {
  const found = new Map<string, FoundSite>()
  for (const name of tensors.keys()) {
    const match = pattern.exec(name)
    if (!match) continue
    const [prefix, stack, layer, index] = match as unknown as [string, string, string, string]
    const sublayer =
      index === '0' ? 'attention' : stack === 'decoder' && index === '1' ? 'cross_attention' : 'feed_forward'
    found.set(prefix, { stack, layer: Number(layer), sublayer, prefix })
  }
  return [...found.values()]
}

/** Returns the placement of those sites; whether it has more sites shows when the tensors are looked up. */
export function placementOf(sites: FoundSite[], at: string) {
  if (sites.length === 0) throw new UserError({ at, problem: 'has no adapter in a T5 that is known here.' })
  const layers = (stack: string) =>
    [...new Set(sites.filter((site) => site.stack === stack).map(({ layer }) => layer))].sort((a, b) => a - b)
  const sublayers = (['attention', 'cross_attention', 'feed_forward'] as const).filter((sublayer) =>
    sites.some((site) => site.sublayer === sublayer),
  )
  return { sublayers, encoder_layers: layers('encoder'), decoder_layers: layers('decoder') }
}

/**
 * Returns the kind of adapter, by names and shapes of its down-projection (in Compacter's code and OpenDelta alike):
 * PHM with or without factors, or low-rank.
 */
export function samplerMethod(
  file: ForeignFile,
  sites: FoundSite[],
  { dModel }: BackboneConfig,
): Record<string, unknown> {
  const down = `${sites[0]!.prefix}.down_sampler`
  const part = (name: string): ForeignTensor | undefined => file.tensors.get(`${down}.${name}`)
  const reduction_factor = dModel / (part('b') ?? part('bias'))!.shape[0]!
  const left = part('W_left')
  if (part('weight')) return { kind: 'adapter', reduction_factor }
  if (left?.shape.length === 2) return { kind: 'adapter', reduction_factor, factors: 'low_rank', rank: left.shape[1] }
  const factors = left ? 'low_rank' : 'full'
  const factored = part('phm_rule_left') !== undefined
  return {
    kind: 'compacter',
    reduction_factor,
    n: (left ?? part('W'))?.shape[0],
    rank: left?.shape[2] ?? 1,
    factors,
    rule_factors: factored ? 'low_rank' : 'full',
    rule: sameEverywhere(file, sites, factored ? ['phm_rule_left', 'phm_rule_right'] : ['phm_rule']) ? 'shared' : 'own',
  }
}

/** Whether all projections have the same rule, to the bit: then it was shared. */
function sameEverywhere({ tensors }: ForeignFile, sites: FoundSite[], parts: string[]): boolean {
  const names = sites.flatMap(({ prefix }) => ['down', 'up'].map((position) => `${prefix}.${position}_sampler`))
  return parts.every((part) => {
    const first = bits(tensors.get(`${names[0]}.${part}`))
    return names.every((name) => first !== undefined && bits(tensors.get(`${name}.${part}`))?.equals(first))
  })
}

const bits = (tensor: ForeignTensor | undefined): Buffer | undefined => {
  const values = tensor?.read()
  return values && Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}
