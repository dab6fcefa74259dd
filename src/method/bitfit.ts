import type { T5Config } from '../backbone/t5/config.js'
import { backboneTensors } from '../backbone/t5/tensors.js'
import type { Method, ParameterSpec } from './method.js'
import type { BitfitOptions } from './options.js'

/**
 * BitFit (Ben Zaken et al., arXiv 2106.10199) for a backbone without biases: zero biases are added and trained, in the products of
 * attention and feed-forward, the blocks' layer norms (not the final ones) and the head. A bias is named as its weight.
 */
export const bitfit: Method<BitfitOptions> = {
  weights: 'frozen',
  parameters: (options, config) => biases(options, config),
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

const KINDS = {
  attention: /\.SelfAttention\.[qkvo]\.weight$/,
  cross_attention: /\.EncDecAttention\.[qkvo]\.weight$/,
  feed_forward: /\.DenseReluDense\.w\w+\.weight$/,
  layer_norm: /\.layer_norm\.weight$/,
}

function biases(options: BitfitOptions, config: T5Config): ParameterSpec[] {
  const chosen = (weight: string) => options.biases.some((kind) => kind !== 'lm_head' && KINDS[kind].test(weight))
  const inBlocks = [...backboneTensors(config)].filter(([weight]) => chosen(weight))
  const head: [string, number[]][] = options.biases.includes('lm_head') ? [['lm_head.weight', [config.vocabulary]]] : []
  return [...inBlocks, ...head].map(([weight, shape]) => ({
    name: biasName(weight),
    shape: [shape[0]!],
    start: { kind: 'zeros' },
  }))
}
