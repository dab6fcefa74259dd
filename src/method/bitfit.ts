import type { TensorSpec } from '../backbone/family.js'
import { type BackboneConfig, backboneTensors, familyOf } from '../backbone/registry.js'
import type { Method, ParameterSpec } from './method.js'
import type { BitfitOptions } from './options.js'
import { biasName } from './targets.js'
import { unfrozen, unfrozenBesideAdapters } from './unfrozen.js'

/**
 * BitFit (Ben Zaken et al., arXiv 2106.10199): the backbone's biases are trained. To a backbone without any, zero
 * biases are added and trained, in the products of attention and feed-forward, the blocks' layer norms (not the final
 * ones) and the head. A bias has the name of its weight. The head's weights are trained too if asked for, as in the
 * released code without `freeze_bitfit_lm_head`.
 */
export const bitfit: Method<BitfitOptions> = {
  weights: 'frozen',
  parameters: (options, config) => [
    ...(hasBiases(config) ? ownBiases(options, config) : biases(options, config)),
    ...unfrozenBesideAdapters(config, { train_layer_norms: false, ...options }),
  ],
  hooks(options, config, tensors) {
    if (hasBiases(config)) return {}
    const names = new Set(biases(options, config).map(({ name }) => name))
    return {
      bias(weight) {
        const name = biasName(weight)
        return names.has(name) ? tensors(name) : undefined
      },
    }
  },
}

const hasBiases = (config: BackboneConfig) =>
  [...backboneTensors(config).values()].some(({ role }) => role === 'bias' || role === 'norm_bias')

/** The biases that the backbone has. Those outside of its layers go with the head: the pooler's is next to it. */
function ownBiases({ biases }: BitfitOptions, config: BackboneConfig): ParameterSpec[] {
  const tensors = backboneTensors(config)
  return unfrozen(config, (name, role) => {
    if (role === 'norm_bias') return biases.includes('layer_norm')
    return role === 'bias' && biases.includes(tensors.get(name)!.site?.sublayer ?? 'lm_head')
  })
}

/** Returns the kind in `method.biases` of a tensor's bias; undefined for a tensor without one. */
function kindOf({ role, site }: TensorSpec): BitfitOptions['biases'][number] | undefined {
  if (!site) return undefined
  if (role === 'norm') return 'layer_norm'
  return role === 'product' ? site.sublayer : undefined
}

function biases(options: BitfitOptions, config: BackboneConfig): ParameterSpec[] {
  const chosen = [...backboneTensors(config)].filter(([, tensor]) => {
    const kind = kindOf(tensor)
    return kind !== undefined && options.biases.includes(kind)
  })
  const inBlocks = chosen.map(([weight, { shape }]) => zeros(weight, shape[0]!))
  const { head } = familyOf(config)
  return options.biases.includes('lm_head') && head !== undefined
    ? [...inBlocks, zeros(head, config.vocabulary)]
    : inBlocks
}

const zeros = (weight: string, outputs: number): ParameterSpec => ({
  name: biasName(weight),
  shape: [outputs],
  start: { kind: 'zeros' },
})
