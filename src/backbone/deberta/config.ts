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

/** Dimensions and conventions of a DeBERTa v2 or v3, read from a Hugging Face `config.json`. */
export interface DebertaConfig extends EncoderConfig {
  family: 'deberta'
  dFf: number
  activation: keyof typeof nonlinearities
  /** The most tokens of a row. */
  positions: number
  /** Whether the embeddings tell positions too. */
  biasedInput: boolean
  /** Distances that are told apart in each direction. */
  distances: number
  /**
   * Whether larger distances share a bucket, logarithmically, up to `longestDistance`; else each is told by itself.
   */
  bucketed: boolean
  longestDistance: number
  /** Whether the vectors of distances are normed. */
  normsDistances: boolean
  /** Whether a query reads the distance to a key, and a key that to a query. */
  contentToPosition: boolean
  positionToContent: boolean
  /** Whether queries and keys of distances are made by the products of the tokens' own. */
  sharesProducts: boolean
  poolerActivation: keyof typeof nonlinearities
}

const range = () => z.int('a whole number; below 1 for none').max(1_048_576)

/** The keys of a config.json. */
export const debertaJson = z.looseObject({
  model_type: z.literal('deberta-v2'),
  ...tableKeys,
  ...layerKeys,
  max_position_embeddings: size(1_048_576).default(512).describe('The most tokens of a row.'),
  position_biased_input: z.boolean('true or false').default(true).describe('Whether embeddings tell positions.'),
  type_vocab_size: z.int('a whole number').min(0, 'a whole number').max(1000).default(0).describe('Token types.'),
  relative_attention: z.unknown().optional().meta({ type: 'boolean' }).describe('Must be true.'),
  pos_att_type: z.unknown().optional().describe('What attention reads of distances: c2p, p2c or both.'),
  share_att_key: flag().describe('Whether distances use the products of queries and keys.'),
  position_buckets: range().default(-1).describe('Distances that are told apart in each direction.'),
  max_relative_positions: range().default(-1).describe('The longest distance; max_position_embeddings by default.'),
  norm_rel_ebd: z
    .unknown()
    .optional()
    .meta({ type: 'string' })
    .describe('layer_norm where the vectors of distances are normed.'),
  embedding_size: size(65_536).optional().describe('Must be hidden_size.'),
  pooler_hidden_size: size(65_536).optional().describe('Must be hidden_size.'),
  conv_kernel_size: z.unknown().optional().meta({ type: 'integer' }).describe('Must be 0.'),
  layer_norm_eps: fraction().default(1e-7).describe('Added to the variance in a layer norm.'),
  initializer_range: positive().default(0.02),
  hidden_dropout_prob: fraction().default(0.1).describe('Share of activations that training drops.'),
  hidden_act: activation().describe('Activation of the feed-forward sublayers; gelu by default.'),
  pooler_hidden_act: activation().describe('Activation in the head; gelu by default.'),
  pad_token_id: token().describe('The id that rows are padded with; 0 by default.'),
})
type Fields = z.output<typeof debertaJson>

/** Reads the `config.json` of a DeBERTa v2 or v3. @throws UserError that names the file and the key. */
export function parseDebertaConfig(json: Record<string, unknown>, at: string): DebertaConfig {
  const fields = readFields(debertaJson, json, at)
  const { hidden_size: dModel, num_attention_heads: heads } = fields
  if (dModel % heads !== 0) throw notThat('num_attention_heads', heads, `a divisor of hidden_size (${dModel})`, at)
  if (fields.relative_attention !== true) throw notThat('relative_attention', fields.relative_attention, 'true', at)
  for (const key of ['embedding_size', 'pooler_hidden_size'] as const)
    if (fields[key] !== undefined && fields[key] !== dModel)
      throw notThat(key, fields[key], `hidden_size (${dModel})`, at)
  if (fields.conv_kernel_size)
    throw notThat('conv_kernel_size', fields.conv_kernel_size, '0: no convolution is read', at)
  const reads = readsOf(fields, at)
  const longestDistance =
    fields.max_relative_positions > 0 ? fields.max_relative_positions : fields.max_position_embeddings
  const bucketed = fields.position_buckets > 0
  return {
    family: 'deberta',
    dModel,
    heads,
    dKv: dModel / heads,
    dFf: fields.intermediate_size,
    encoderLayers: fields.num_hidden_layers,
    decoderLayers: 0,
    vocabulary: fields.vocab_size,
    positions: fields.max_position_embeddings,
    biasedInput: fields.position_biased_input,
    segments: fields.type_vocab_size,
    layerNormEpsilon: fields.layer_norm_eps,
    initializerRange: fields.initializer_range,
    dropout: fields.hidden_dropout_prob,
    activation: activationOf(fields.hidden_act, 'hidden_act', at),
    distances: bucketed ? fields.position_buckets : longestDistance,
    bucketed,
    longestDistance,
    normsDistances: normsOf(fields, at),
    contentToPosition: reads.includes('c2p'),
    positionToContent: reads.includes('p2c'),
    sharesProducts: fields.share_att_key ?? false,
    poolerActivation: activationOf(fields.pooler_hidden_act, 'pooler_hidden_act', at),
    padId: tokenId(fields, 'pad_token_id', at, 0),
  }
}

/** `p2c|c2p`, or a list of the two. */
function readsOf({ pos_att_type: stated }: Fields, at: string): string[] {
  const read =
    typeof stated === 'string'
      ? stated
          .toLowerCase()
          .split('|')
          .map((each) => each.trim())
      : stated
  const known = Array.isArray(read) && read.length > 0 && read.every((each) => each === 'c2p' || each === 'p2c')
  if (!known) throw notThat('pos_att_type', stated, 'c2p, p2c or p2c|c2p', at)
  return read
}

function normsOf({ norm_rel_ebd: stated = 'none' }: Fields, at: string): boolean {
  if (stated === 'none' || stated === 'layer_norm') return stated === 'layer_norm'
  throw notThat('norm_rel_ebd', stated, 'none or layer_norm', at)
}

/** The inverse of `parseDebertaConfig`. */
export const toHuggingFace = (config: DebertaConfig): Record<string, unknown> => ({
  model_type: 'deberta-v2',
  vocab_size: config.vocabulary,
  hidden_size: config.dModel,
  intermediate_size: config.dFf,
  num_hidden_layers: config.encoderLayers,
  num_attention_heads: config.heads,
  max_position_embeddings: config.positions,
  position_biased_input: config.biasedInput,
  type_vocab_size: config.segments,
  relative_attention: true,
  pos_att_type: [...(config.positionToContent ? ['p2c'] : []), ...(config.contentToPosition ? ['c2p'] : [])],
  share_att_key: config.sharesProducts,
  position_buckets: config.bucketed ? config.distances : -1,
  max_relative_positions: config.longestDistance,
  norm_rel_ebd: config.normsDistances ? 'layer_norm' : 'none',
  layer_norm_eps: config.layerNormEpsilon,
  initializer_range: config.initializerRange,
  hidden_dropout_prob: config.dropout,
  attention_probs_dropout_prob: config.dropout,
  hidden_act: activationName(config.activation),
  pooler_hidden_act: activationName(config.poolerActivation),
  pad_token_id: config.padId,
})
