import { z } from 'zod'
import { UserError } from '../../base/error.js'
import { elements } from '../../base/safetensors/safetensors.js'
import type { nonlinearities } from '../../tensor/nonlinearity.js'
import type { EncoderDecoderConfig } from '../family.js'
import { flag, fraction, notThat, readFields, size, token, tokenId } from '../files/config_json.js'
import { headOf, type StoredHead } from './head.js'
import { t5Tensors } from './tensors.js'

/** A T5's dimensions and conventions, read from a Hugging Face `config.json` or a backbone preset. */
export interface T5Config extends EncoderDecoderConfig {
  family: 't5'
  dFf: number
  relativeBuckets: number
  relativeMaxDistance: number
  activation: keyof typeof nonlinearities
  /** v1.1: wi_0 (activated) times wi_1 instead of wi. */
  gated: boolean
  /** Whether the head is the embedding table, as in v1.0; otherwise it has its own matrix. */
  tiedHead: boolean
  /** Whether the decoder's output is multiplied by dModel^-½ before the head, as in v1.0. */
  scaledHead: boolean
}

/** Activations by transformers' names. */
const ACTIVATIONS = { relu: 'relu', gelu: 'gelu', gelu_new: 'gelu_new', silu: 'swish', swish: 'swish' } as const
const activationNames = Object.keys(ACTIVATIONS).join(', ')

/** The keys of a T5's config.json. The limits are far beyond any T5, whose largest size each comment gives. */
export const t5Json = z.looseObject({
  model_type: z.enum(['t5', 'mt5']).default('t5'),
  d_model: size(65_536).describe('Width of the model.'), // 4096
  d_kv: size(65_536).describe('Width of an attention head.'), // 128
  d_ff: size(1_048_576).describe('Width of a feed-forward sublayer.'), // 65,536
  num_layers: size(1000).describe('Layers of the encoder.'), // 48
  num_decoder_layers: size(1000).optional().describe("Layers of the decoder; by default as many as the encoder's."),
  num_heads: size(4096).describe('Attention heads of a layer.'), // 128
  relative_attention_num_buckets: size(65_536).default(32).describe('Buckets of relative positions.'), // 32
  // 128
  relative_attention_max_distance: size(1_048_576).default(128).describe('Distance from which on all share a bucket.'),
  vocab_size: size(4_194_304).describe('Rows of the embedding table.'), // 250,112
  layer_norm_epsilon: fraction().default(1e-6).describe('Added to the mean square in a layer norm.'),
  dropout_rate: fraction().default(0.1).describe('Share of activations that training drops.'),
  feed_forward_proj: z
    .unknown()
    .optional()
    .meta({ type: 'string', examples: ['relu', 'gated-gelu'] })
    .describe('v1.0 has relu, later ones gated-gelu.'),
  dense_act_fn: z.unknown().optional().meta({ type: 'string' }).describe('The activation, where it is another one.'),
  is_gated_act: flag().describe('Whether the activation is gated, where feed_forward_proj says otherwise.'),
  tie_word_embeddings: flag().describe(
    'Whether the head is the embedding table, and the output of the decoder scaled, as in v1.0.',
  ),
  scale_decoder_outputs: flag().describe('Whether the output of the decoder is scaled in front of the head.'),
  pad_token_id: token().describe('The id that rows are padded with; 0 by default.'),
  eos_token_id: token().describe('The id that ends a row; 1 by default.'),
  decoder_start_token_id: token().describe('The id that the decoder starts with; 0 by default.'),
})
type T5Json = z.output<typeof t5Json>

/**
 * Reads a Hugging Face T5, FLAN-T5 or mT5 `config.json`. `at` is the file, for errors; `stored` is the head in the
 * weights, if they are here.
 * @throws UserError that names the file and the key.
 */
export function parseT5Config(json: Record<string, unknown>, at: string, stored?: StoredHead): T5Config {
  const fields = readFields(t5Json, json, at)
  const stated = {
    modelType: fields.model_type,
    tied: fields.tie_word_embeddings,
    scaled: fields.scale_decoder_outputs,
  }
  const config: T5Config = {
    family: 't5',
    dModel: fields.d_model,
    dKv: fields.d_kv,
    dFf: fields.d_ff,
    encoderLayers: fields.num_layers,
    decoderLayers: fields.num_decoder_layers ?? fields.num_layers,
    heads: fields.num_heads,
    relativeBuckets: fields.relative_attention_num_buckets,
    relativeMaxDistance: fields.relative_attention_max_distance,
    vocabulary: fields.vocab_size,
    layerNormEpsilon: fields.layer_norm_epsilon,
    dropout: fields.dropout_rate,
    ...feedForward(fields, at),
    ...headOf(stated, at, stored),
    ...tokenIds(fields, at),
  }
  const parameters = [...t5Tensors(config).values()].reduce((sum, { shape }) => sum + elements(shape), 0)
  if (parameters <= MOST_PARAMETERS) return config
  const problem =
    `describes a T5 of ${parameters.toLocaleString('en')} parameters; at most ` +
    `${MOST_PARAMETERS.toLocaleString('en')} are read.`
  throw new UserError({ at, problem, remedy: 'The largest T5 has some 13 billion: fetch the file again.' })
}

const MOST_PARAMETERS = 1e12

/** A T5 starts with its padding id by convention: a file with another padding id has to name the start id. */
function tokenIds(fields: T5Json, at: string): Pick<T5Config, 'padId' | 'eosId' | 'decoderStartId'> {
  const padId = tokenId(fields, 'pad_token_id', at, 0)
  return {
    padId,
    eosId: tokenId(fields, 'eos_token_id', at, 1),
    decoderStartId: tokenId(fields, 'decoder_start_token_id', at, padId === 0 ? 0 : undefined),
  }
}

/**
 * Reads `feed_forward_proj`; where `dense_act_fn` and `is_gated_act` differ from it, they decide, as in transformers.
 */
function feedForward(fields: T5Json, at: string): Pick<T5Config, 'activation' | 'gated'> {
  const projection = fields.feed_forward_proj ?? (fields.model_type === 'mt5' ? 'gated-gelu' : 'relu')
  const [, gated, name] = /^(gated-)?(\w+)$/.exec(String(projection)) ?? []
  if (name === undefined) throw notThat('feed_forward_proj', projection, 'an activation, alone or behind gated-', at)
  const activation = fields.dense_act_fn ?? (projection === 'gated-gelu' ? 'gelu_new' : name)
  if (Object.hasOwn(ACTIVATIONS, activation as string)) {
    const known = ACTIVATIONS[activation as keyof typeof ACTIVATIONS]
    return { activation: known, gated: fields.is_gated_act ?? gated !== undefined }
  }
  if (fields.dense_act_fn !== undefined)
    throw notThat('dense_act_fn', fields.dense_act_fn, `one of ${activationNames}`, at)
  throw notThat('feed_forward_proj', fields.feed_forward_proj, `one of ${activationNames}, or gated- and one`, at)
}

/** The inverse of `parseT5Config`, for transformers 5. */
export const toHuggingFace = (config: T5Config) => ({
  vocab_size: config.vocabulary,
  d_model: config.dModel,
  d_kv: config.dKv,
  d_ff: config.dFf,
  num_layers: config.encoderLayers,
  num_decoder_layers: config.decoderLayers,
  num_heads: config.heads,
  relative_attention_num_buckets: config.relativeBuckets,
  relative_attention_max_distance: config.relativeMaxDistance,
  dropout_rate: config.dropout,
  layer_norm_epsilon: config.layerNormEpsilon,
  dense_act_fn: config.activation,
  is_gated_act: config.gated,
  tie_word_embeddings: config.scaledHead, // transformers 5 ties every head, and this key says whether it is scaled
  pad_token_id: config.padId,
  eos_token_id: config.eosId,
  decoder_start_token_id: config.decoderStartId,
})
