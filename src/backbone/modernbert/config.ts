import { z } from 'zod'
import type { nonlinearities } from '../../tensor/nonlinearity.js'
import type { EncoderConfig } from '../family.js'
import { activation, activationName, activationOf } from '../files/activations.js'
import {
  flag,
  fraction,
  layerKeys,
  notThat,
  positive,
  readFields,
  size,
  tableKeys,
  token,
  tokenId,
} from '../files/config_json.js'

/** A ModernBERT's dimensions and conventions, read from a Hugging Face `config.json`. */
export interface ModernBertConfig extends EncoderConfig {
  family: 'modernbert'
  dFf: number
  activation: keyof typeof nonlinearities
  /** The most tokens of a row. */
  positions: number
  /** Of each layer, whether a token sees all others, or only those at most `window` away. */
  global: boolean[]
  window: number
  /** The base of the rotations' wavelengths. */
  theta: { global: number; local: number }
  /** What a head of a text reads: its first token, or the mean of all. */
  pooling: 'cls' | 'mean'
  headActivation: keyof typeof nonlinearities
  /** Which modules have a bias; those that were published have none. */
  biases: Biases
}

export interface Biases {
  attention: boolean
  feed_forward: boolean
  norms: boolean
}

/** The keys of a ModernBERT's config.json; transformers 5 writes `layer_types` and `rope_parameters`, 4 the others. */
export const modernBertJson = z.looseObject({
  model_type: z.literal('modernbert'),
  ...tableKeys,
  ...layerKeys,
  max_position_embeddings: size(1_048_576).default(8192).describe('The most tokens of a row.'),
  norm_eps: fraction().default(1e-5).describe('Added to the variance in a layer norm.'),
  initializer_range: positive().default(0.02).describe('Standard deviation of matrices that were never trained.'),
  hidden_activation: activation().describe('Activation of the feed-forward sublayers; gelu by default.'),
  classifier_activation: activation().describe('Activation in the head; gelu by default.'),
  classifier_pooling: z.enum(['cls', 'mean'], 'cls or mean').default('cls').describe('What a head of a text reads.'),
  mlp_dropout: fraction().default(0).describe('Share of activations that training drops.'),
  local_attention: size(1_048_576).default(128).describe('Tokens that a token of a local layer sees.'),
  global_attn_every_n_layers: size(1000).default(3).describe('Every how many layers one is global, from the first on.'),
  layer_types: z
    .array(z.enum(['full_attention', 'sliding_attention']), 'a list of full_attention and sliding_attention')
    .optional(),
  global_rope_theta: positive().default(160_000),
  local_rope_theta: positive().default(10_000),
  rope_parameters: z.unknown().optional().meta({ type: 'object' }),
  pad_token_id: token().describe('The id that rows are padded with; 50283 by default.'),
  attention_bias: flag().describe('Whether the products of attention have biases; false by default.'),
  mlp_bias: flag().describe('Whether those of the feed-forward sublayers have; false by default.'),
  norm_bias: flag().describe('Whether layer norms have; false by default.'),
  classifier_bias: flag().describe('Must not be true.'),
})
type Fields = z.output<typeof modernBertJson>

/** Reads the `config.json` of a ModernBERT. @throws UserError that names the file and the key. */
export function parseModernBertConfig(json: Record<string, unknown>, at: string): ModernBertConfig {
  const fields = readFields(modernBertJson, json, at)
  const { hidden_size: dModel, num_attention_heads: heads, num_hidden_layers: layers } = fields
  if (dModel % heads !== 0) throw notThat('num_attention_heads', heads, `a divisor of hidden_size (${dModel})`, at)
  if ((dModel / heads) % 2 !== 0)
    throw notThat('num_attention_heads', heads, 'one that leaves each head an even width, which is rotated', at)
  if (fields.classifier_bias) throw notThat('classifier_bias', true, 'false', at)
  const types = fields.layer_types
  if (types && types.length !== layers) throw notThat('layer_types', types, `one type for each of ${layers} layers`, at)
  return {
    family: 'modernbert',
    dModel,
    heads,
    dKv: dModel / heads,
    dFf: fields.intermediate_size,
    encoderLayers: layers,
    decoderLayers: 0,
    vocabulary: fields.vocab_size,
    positions: fields.max_position_embeddings,
    segments: 0,
    layerNormEpsilon: fields.norm_eps,
    initializerRange: fields.initializer_range,
    dropout: fields.mlp_dropout,
    activation: activationOf(fields.hidden_activation, 'hidden_activation', at),
    headActivation: activationOf(fields.classifier_activation, 'classifier_activation', at),
    global: Array.from({ length: layers }, (_, layer) =>
      types ? types[layer] === 'full_attention' : layer % fields.global_attn_every_n_layers === 0,
    ),
    window: Math.floor(fields.local_attention / 2),
    theta: thetaOf(fields, at),
    pooling: fields.classifier_pooling,
    biases: {
      attention: fields.attention_bias ?? false,
      feed_forward: fields.mlp_bias ?? false,
      norms: fields.norm_bias ?? false,
    },
    padId: tokenId(fields, 'pad_token_id', at, 50_283),
  }
}

const rotation = z.looseObject({
  rope_type: z.literal('default').default('default'),
  rope_theta: positive().optional(),
})
const rotations = z.looseObject({ full_attention: rotation.nullish(), sliding_attention: rotation.nullish() })

function thetaOf({ rope_parameters: stated, global_rope_theta, local_rope_theta }: Fields, at: string) {
  const read = rotations.safeParse(stated ?? {})
  if (!read.success)
    throw notThat('rope_parameters', stated, 'rope_type default and a rope_theta for each layer type', at)
  const { full_attention: global, sliding_attention: local } = read.data
  return { global: global?.rope_theta ?? global_rope_theta, local: local?.rope_theta ?? local_rope_theta }
}

/** The inverse of `parseModernBertConfig`, for transformers 5. */
export const toHuggingFace = (config: ModernBertConfig): Record<string, unknown> => ({
  model_type: 'modernbert',
  vocab_size: config.vocabulary,
  hidden_size: config.dModel,
  intermediate_size: config.dFf,
  num_hidden_layers: config.encoderLayers,
  num_attention_heads: config.heads,
  max_position_embeddings: config.positions,
  norm_eps: config.layerNormEpsilon,
  initializer_range: config.initializerRange,
  hidden_activation: activationName(config.activation),
  classifier_activation: activationName(config.headActivation),
  classifier_pooling: config.pooling,
  mlp_dropout: config.dropout,
  attention_dropout: config.dropout,
  embedding_dropout: config.dropout,
  local_attention: 2 * config.window,
  layer_types: config.global.map((global) => (global ? 'full_attention' : 'sliding_attention')),
  rope_parameters: {
    full_attention: { rope_type: 'default', rope_theta: config.theta.global },
    sliding_attention: { rope_type: 'default', rope_theta: config.theta.local },
  },
  pad_token_id: config.padId,
  attention_bias: config.biases.attention,
  mlp_bias: config.biases.feed_forward,
  norm_bias: config.biases.norms,
})
