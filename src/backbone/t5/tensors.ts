import type { TensorSpec } from '../family.js'
import type { Site, Stack, Sublayer } from '../hooks.js'
import type { T5Config } from './config.js'

type Named = [name: string, spec: TensorSpec]

/** The only table of token embeddings. */
export const TABLE = 'shared.weight'

const COPIES = ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight']

/** The name by which hooks and checkpoints know the product that makes the logits. */
export const HEAD = 'lm_head.weight'

/**
 * Every tensor that a T5 of this config has, by Hugging Face name, in the model's order. Projections are [out, in], the
 * bias of the relative positions is [buckets, heads]; `lm_head.weight` exists only where the head is a matrix of its
 * own.
 */
export function t5Tensors(config: T5Config): Map<string, TensorSpec> {
  const { vocabulary, dModel, tiedHead } = config
  const norm: TensorSpec = { shape: [dModel], role: 'norm' }
  const head: Named = [HEAD, { shape: [vocabulary, dModel], role: 'head' }]
  const aliases = tiedHead ? [...COPIES, HEAD] : COPIES
  const inLayers = (stack: Stack) =>
    t5Sites(config)
      .filter((site) => site.stack === stack)
      .flatMap((site) => ofSublayer(site, config))
  return new Map<string, TensorSpec>([
    [TABLE, { shape: [vocabulary, dModel], role: 'table', aliases }],
    ...inLayers('encoder'),
    ['encoder.final_layer_norm.weight', norm],
    ...inLayers('decoder'),
    ['decoder.final_layer_norm.weight', norm],
    ...(tiedHead ? [] : [head]),
  ])
}

/** The sublayers of both stacks, in the model's order. */
export function t5Sites({ encoderLayers, decoderLayers }: T5Config): Site[] {
  const inStack = (stack: Stack, layers: number, sublayers: Sublayer[]): Site[] =>
    Array.from({ length: layers }, (_, layer) => sublayers.map((sublayer) => ({ stack, layer, sublayer }))).flat()
  return [
    ...inStack('encoder', encoderLayers, ['attention', 'feed_forward']),
    ...inStack('decoder', decoderLayers, ['attention', 'cross_attention', 'feed_forward']),
  ]
}

const MODULES = { attention: 'SelfAttention', cross_attention: 'EncDecAttention', feed_forward: 'DenseReluDense' }

/** The name of a sublayer together with its norm: `decoder.block.3.layer.2`. */
export const layerName = ({ stack, layer, sublayer }: Site): string => {
  const index = sublayer === 'attention' ? 0 : sublayer === 'cross_attention' || stack === 'encoder' ? 1 : 2
  return `${stack}.block.${layer}.layer.${index}`
}

/** The name of what a sublayer computes: `decoder.block.3.layer.2.DenseReluDense`. */
export const sublayerName = (site: Site): string => `${layerName(site)}.${MODULES[site.sublayer]}`

/** The name of the norm in front of a sublayer. */
export const normName = (site: Site): string => `${layerName(site)}.layer_norm.weight`

/** The table of a stack's relative positions, which its first layer holds for all. */
export const positionName = (stack: Stack): string =>
  `${sublayerName({ stack, layer: 0, sublayer: 'attention' })}.relative_attention_bias.weight`

function ofSublayer(site: Site, config: T5Config): Named[] {
  const { dModel, heads, dKv, dFf, gated, relativeBuckets } = config
  const inner = heads * dKv
  const product = (name: string, shape: number[]): Named => [
    `${sublayerName(site)}.${name}.weight`,
    { shape, role: 'product', site, product: name },
  ]
  const norm: Named = [normName(site), { shape: [dModel], role: 'norm', site }]
  if (site.sublayer === 'feed_forward') {
    const up = gated ? ['wi_0', 'wi_1'] : ['wi']
    return [...up.map((name) => product(name, [dFf, dModel])), product('wo', [dModel, dFf]), norm]
  }
  const positions: Named[] =
    site.sublayer === 'attention' && site.layer === 0
      ? [[positionName(site.stack), { shape: [relativeBuckets, heads], role: 'position', site }]]
      : []
  return [
    ...['q', 'k', 'v'].map((name) => product(name, [inner, dModel])),
    product('o', [dModel, inner]),
    ...positions,
    norm,
  ]
}

/** In Google's v1.0 checkpoints, used by no version of the model; transformers skips it too. */
export const ignoredTensors = new Set(['decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight'])

/**
 * Returns the standard deviation of Mesh TensorFlow's initialisation, as in transformers: attention is not scaled, so q
 * is small.
 */
export function initialStd({ dModel, dKv, dFf, heads }: T5Config, name: string): number {
  const part = name.split('.').at(-2)!
  if (part === 'shared' || part === 'lm_head') return 1
  if (part === 'q') return (dModel * dKv) ** -0.5
  if (part === 'o') return (heads * dKv) ** -0.5
  return (part === 'wo' ? dFf : dModel) ** -0.5
}
