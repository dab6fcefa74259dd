import type { TensorSpec } from '../backbone/family.js'
import { type BackboneConfig, backboneTensors, familyOf } from '../backbone/registry.js'
import type { Method, ParameterSpec } from './method.js'
import type { BitfitOptions } from './options.js'
import { unfrozenBesideAdapters } from './unfrozen.js'

/**
 * BitFit (Ben Zaken et al., arXiv 2106.10199) for a backbone without biases: zero biases are added and trained, in the
 * products of attention and feed-forward, the blocks' layer norms (not the final ones) and the head. A bias has the
 * name of its weight. The head's weights are trained too if asked for, as in the released code without
 * `freeze_bitfit_lm_head`.
 */
export const bitfit: Method<BitfitOptions> = {
  weights: 'frozen',
  parameters: (options, config) => [
    ...biases(options, config),
    ...unfrozenBesideAdapters(config, { train_layer_norms: false, ...options }),
  ],
  hooks(options, config, tensors) {
    const names = new Set(biases(options, config).map(({ name }) => name))
    return {
      bias(weight) {
        const name = biasName(weight)
        return names.has(name) ? tensors(name) : undefined
      },
    }
  },
}

const biasName = (weight: string) => weight.replace(/\.weight$/, '.bias')

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
  return options.biases.includes('lm_head') ? [...inBlocks, zeros(familyOf(config).head, config.vocabulary)] : inBlocks
}

const zeros = (weight: string, outputs: number): ParameterSpec => ({
  name: biasName(weight),
  shape: [outputs],
  start: { kind: 'zeros' },
})
