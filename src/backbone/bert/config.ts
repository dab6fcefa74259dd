import { z } from 'zod'
import { UserError } from '../../base/error.js'
import { elements } from '../../base/safetensors/safetensors.js'
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
import { MODEL_TYPES, type ModelType, TYPES } from './names.js'
import { bertTensors } from './tensors.js'

/** Dimensions and conventions of a BERT or one of its kin, read from a Hugging Face `config.json`. */
export interface BertConfig extends EncoderConfig {
  family: 'bert'
  modelType: ModelType
  dFf: number
  /** Width of the embeddings; ELECTRA's small models widen them to dModel. */
  embeddingSize: number
  /** Rows of the table of positions. */
  positions: number
  activation: keyof typeof nonlinearities
  /** Whether the checkpoint has a pooler. */
  pooler: boolean
}

const shared = {
  ...tableKeys,
  max_position_embeddings: size(1_048_576).default(512).describe('Rows of the table of positions.'),
  initializer_range: positive().default(0.02),
  pad_token_id: token().describe('The id that rows are padded with; 1 in RoBERTa, else 0 by default.'),
  is_decoder: flag().describe('Must not be true: a decoder sees no later tokens.'),
  add_cross_attention: flag().describe('Must not be true.'),
  pruned_heads: z.unknown().optional().describe('Must be empty.'),
}

/** The keys of a config.json of all of them but DistilBERT. */
export const bertJson = z.looseObject({
  model_type: z.enum(MODEL_TYPES).exclude(['distilbert']),
  ...layerKeys,
  embedding_size: size(65_536).optional().describe("Width of ELECTRA's embeddings; 128 by default."),
  type_vocab_size: size(1000).default(2).describe('Token types.'),
  layer_norm_eps: fraction().default(1e-12).describe('Added to the variance in a layer norm.'),
  hidden_dropout_prob: fraction().default(0.1).describe('Share of activations that training drops.'),
  hidden_act: activation().describe('Activation of the feed-forward sublayers; gelu by default.'),
  position_embedding_type: z.unknown().optional().meta({ type: 'string' }).describe('Must be absolute.'),
  ...shared,
})

/** DistilBERT's names for the same. */
export const distilbertJson = z.looseObject({
  model_type: z.literal('distilbert'),
  dim: size(65_536).describe('Width of the model.'),
  hidden_dim: size(1_048_576).describe('Width of a feed-forward sublayer.'),
  n_layers: size(1000).describe('Layers.'),
  n_heads: size(4096).describe('Attention heads of a layer.'),
  dropout: fraction().default(0.1).describe('Share of activations that training drops.'),
  activation: activation().describe('Activation of the feed-forward sublayers; gelu by default.'),
  sinusoidal_pos_embds: flag().describe('Must not be true.'),
  ...shared,
})

/** transformers gives ELECTRA's config this width of the embeddings, and DistilBERT's norms this ε. */
const ELECTRA_EMBEDDINGS = 128
const DISTILBERT_EPSILON = 1e-12

/**
 * Reads the `config.json` of a BERT, RoBERTa, XLM-RoBERTa, ELECTRA or DistilBERT. `at` is the file, for errors;
 * `storedPooler` says whether the weights have a pooler, if they are here.
 * @throws UserError that names the file and the key.
 */
export function parseBertConfig(json: Record<string, unknown>, at: string, storedPooler?: boolean): BertConfig {
  const config = json.model_type === 'distilbert' ? fromDistilbert(json, at) : fromBert(json, at)
  const { modelType, dModel, heads } = config
  const [headsKey, widthKey] = modelType === 'distilbert' ? ['n_heads', 'dim'] : ['num_attention_heads', 'hidden_size']
  if (dModel % heads !== 0) throw notThat(headsKey!, heads, `a divisor of ${widthKey} (${dModel})`, at)
  const whole: BertConfig = {
    ...config,
    dKv: dModel / heads,
    pooler: TYPES[modelType].pooler !== undefined && storedPooler !== false,
  }
  const [longest, parameters] = [longestRow(whole), parametersOf(whole)]
  if (longest < 1) throw notThat('max_position_embeddings', whole.positions, `above pad_token_id + 1`, at)
  if (parameters <= MOST_PARAMETERS) return whole
  const problem =
    `describes a model of ${parameters.toLocaleString('en')} parameters; at most ` +
    `${MOST_PARAMETERS.toLocaleString('en')} are read.`
  throw new UserError({ at, problem, remedy: 'Fetch the file again.' })
}

const MOST_PARAMETERS = 1e12

const parametersOf = (config: BertConfig): number =>
  [...bertTensors(config).values()].reduce((sum, { shape }) => sum + elements(shape), 0)

/** The most tokens of a row. RoBERTa's positions start behind the padding id. */
export const longestRow = ({ modelType, positions, padId }: BertConfig): number =>
  TYPES[modelType].positionsAfterPadding ? positions - padId - 1 : positions

type Unfinished = Omit<BertConfig, 'dKv' | 'pooler'>

function fromBert(json: Record<string, unknown>, at: string): Unfinished {
  const fields = readFields(bertJson, json, at)
  const { model_type: modelType, position_embedding_type: positionType } = fields
  if (positionType !== undefined && positionType !== 'absolute')
    throw notThat('position_embedding_type', positionType, 'absolute', at)
  return {
    ...sharedOf(fields, at),
    modelType,
    dModel: fields.hidden_size,
    dFf: fields.intermediate_size,
    encoderLayers: fields.num_hidden_layers,
    heads: fields.num_attention_heads,
    embeddingSize: modelType === 'electra' ? (fields.embedding_size ?? ELECTRA_EMBEDDINGS) : fields.hidden_size,
    segments: fields.type_vocab_size,
    layerNormEpsilon: fields.layer_norm_eps,
    dropout: fields.hidden_dropout_prob,
    activation: activationOf(fields.hidden_act, 'hidden_act', at),
    padId: tokenId(fields, 'pad_token_id', at, TYPES[modelType].positionsAfterPadding ? 1 : 0),
  }
}

function fromDistilbert(json: Record<string, unknown>, at: string): Unfinished {
  const fields = readFields(distilbertJson, json, at)
  if (fields.sinusoidal_pos_embds) throw notThat('sinusoidal_pos_embds', true, 'false', at)
  return {
    ...sharedOf(fields, at),
    modelType: 'distilbert',
    dModel: fields.dim,
    dFf: fields.hidden_dim,
    encoderLayers: fields.n_layers,
    heads: fields.n_heads,
    embeddingSize: fields.dim,
    segments: 0,
    layerNormEpsilon: DISTILBERT_EPSILON,
    dropout: fields.dropout,
    activation: activationOf(fields.activation, 'activation', at),
    padId: tokenId(fields, 'pad_token_id', at, 0),
  }
}

/** @throws UserError where the file describes what this model can't be. */
function sharedOf(fields: z.output<typeof bertJson> | z.output<typeof distilbertJson>, at: string) {
  for (const key of ['is_decoder', 'add_cross_attention'] as const)
    if (fields[key]) throw notThat(key, true, 'false: only encoders are read', at)
  const { pruned_heads: pruned } = fields
  if (pruned !== undefined && Object.keys(pruned as object).length > 0)
    throw notThat('pruned_heads', pruned, 'empty', at)
  return {
    family: 'bert' as const,
    vocabulary: fields.vocab_size,
    positions: fields.max_position_embeddings,
    decoderLayers: 0,
    initializerRange: fields.initializer_range,
  }
}

/** The inverse of `parseBertConfig`. */
export function toHuggingFace(config: BertConfig): Record<string, unknown> {
  const { modelType } = config
  const act = activationName(config.activation)
  const common = {
    model_type: modelType,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
    initializer_range: config.initializerRange,
    pad_token_id: config.padId,
  }
  if (modelType === 'distilbert')
    return {
      ...common,
      dim: config.dModel,
      hidden_dim: config.dFf,
      n_layers: config.encoderLayers,
      n_heads: config.heads,
      dropout: config.dropout,
      attention_dropout: config.dropout,
      activation: act,
    }
  return {
    ...common,
    hidden_size: config.dModel,
    intermediate_size: config.dFf,
    num_hidden_layers: config.encoderLayers,
    num_attention_heads: config.heads,
    ...(modelType === 'electra' && { embedding_size: config.embeddingSize }),
    type_vocab_size: config.segments,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_dropout_prob: config.dropout,
    attention_probs_dropout_prob: config.dropout,
    hidden_act: act,
  }
}
