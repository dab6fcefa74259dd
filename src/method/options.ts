import { z } from 'zod'
import { adapterOptions } from './options/adapter.js'
import { compacterOptions } from './options/compacter.js'
import { ia3Options } from './options/ia3.js'
import { lokrOptions } from './options/lokr.js'
import { loraOptions } from './options/lora.js'
import { prefixTuningOptions } from './options/prefix_tuning.js'
import { trainedBackbone } from './options/shared.js'
import { veraOptions } from './options/vera.js'

export { type AdapterOptions, adapterOptions } from './options/adapter.js'
export { type CompacterOptions, compacterOptions } from './options/compacter.js'
export { type Ia3Options, ia3Options } from './options/ia3.js'
export { type LokrOptions, lokrOptions } from './options/lokr.js'
export { type LoraOptions, loraOptions } from './options/lora.js'
export { type PrefixTuningOptions, prefixTuningOptions } from './options/prefix_tuning.js'
export { methodProblems } from './options/problems.js'
export { type Layers, layerNumbers, type Placement } from './options/shared.js'
export { type VeraOptions, veraOptions } from './options/vera.js'

/** Full fine-tuning. */
const fullOptions = z.strictObject({ kind: z.literal('full') })
export type FullOptions = z.infer<typeof fullOptions>

const BIASES = ['attention', 'cross_attention', 'feed_forward', 'layer_norm', 'lm_head'] as const

/** Biases added to the backbone, which has none. */
const bitfitOptions = z.strictObject({
  kind: z.literal('bitfit'),
  biases: z
    .array(z.enum(BIASES))
    .min(1)
    .default([...BIASES])
    .describe('What gets a bias: products of each sublayer, the norms of the blocks (not the final ones), the head.'),
  train_lm_head: trainedBackbone.train_lm_head,
})
export type BitfitOptions = z.infer<typeof bitfitOptions>

/** Training in a random subspace of all the weights: θ = θ₀ + λⱼ·Pⱼ(v). */
const intrinsicOptions = z.strictObject({
  kind: z.literal('intrinsic'),
  dimension: z
    .int()
    .min(1)
    .default(20000)
    .describe('Trained numbers: v, and with `said` one λ per tensor of the backbone.'),
  said: z.boolean().default(true).describe('Whether each tensor of the backbone has its own trained scale λ.'),
  projection: z
    .enum(['fastfood', 'dense'])
    .default('fastfood')
    .describe('Structured projection, regenerated when needed, or a dense Gaussian one: small backbones only.'),
  projection_seed: z.int().min(0).default(42).describe('Seed of the projection, which is not stored.'),
})
export type IntrinsicOptions = z.infer<typeof intrinsicOptions>

/** Trained vectors in front of the embedded source. */
const promptTuningOptions = z.strictObject({
  kind: z.literal('prompt_tuning'),
  length: z.int().min(1).default(100).describe('Prompt vectors; each makes every source one position longer.'),
  start: z
    .enum(['random', 'vocabulary'])
    .default('random')
    .describe('Initial values: from U(−0.5, 0.5), or the embeddings of the first tokens of the vocabulary.'),
})
export type PromptTuningOptions = z.infer<typeof promptTuningOptions>

/** The backbone's layer norms, trained. */
export const layerNormTuningOptions = z.strictObject({ kind: z.literal('layer_norm_tuning') })
export type LayerNormTuningOptions = z.infer<typeof layerNormTuningOptions>

/** Methods that leave the backbone frozen, so that several of them can be trained together. */
const frozenBackbone = [
  adapterOptions,
  compacterOptions,
  bitfitOptions,
  promptTuningOptions,
  prefixTuningOptions,
  loraOptions,
  ia3Options,
  lokrOptions,
  veraOptions,
  layerNormTuningOptions,
] as const

/** Several methods at once; an experiment writes them as a list. */
const unionOptions = z.strictObject({
  kind: z.literal('union'),
  methods: z
    .array(z.discriminatedUnion('kind', frozenBackbone))
    .min(2)
    .describe('The methods, in the order in which they enter; all but full and intrinsic.'),
})
export type UnionOptions = z.infer<typeof unionOptions>

/** A method's options; `kind` names the method. */
export const methodOptions = z.discriminatedUnion('kind', [
  fullOptions,
  intrinsicOptions,
  ...frozenBackbone,
  unionOptions,
])
export type MethodOptions = z.infer<typeof methodOptions>
