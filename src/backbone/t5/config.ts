import { commandLine } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import { shortened } from '../../base/text/shortened.js'
import type { nonlinearities } from '../../tensor/nonlinearity.js'
import { headOf, type StatedHead, type StoredHead } from './head.js'

/** A T5's dimensions and conventions, read from a Hugging Face `config.json` or a backbone preset. */
export interface T5Config {
  dModel: number
  /** Width of one attention head; heads × dKv need not be dModel. */
  dKv: number
  dFf: number
  encoderLayers: number
  decoderLayers: number
  heads: number
  relativeBuckets: number
  relativeMaxDistance: number
  /** Rows of the embedding table, which can exceed the tokenizer's vocabulary. */
  vocabulary: number
  layerNormEpsilon: number
  dropout: number
  activation: keyof typeof nonlinearities
  /** v1.1: wi_0 (activated) times wi_1 in place of wi. */
  gated: boolean
  /** Whether the head is the embedding table, as in v1.0; else it is a matrix of its own. */
  tiedHead: boolean
  /** Whether the decoder's output is multiplied by dModel^-½ in front of the head, as in v1.0. */
  scaledHead: boolean
  /** What rows are padded with. Nothing tells padding by it: a text may hold it as a token. */
  padId: number
  /** What ends a row. */
  eosId: number
  /** What the decoder starts with. */
  decoderStartId: number
}

type Json = Record<string, unknown>

/**
 * Reads a Hugging Face T5, FLAN-T5 or mT5 `config.json`. `at` is the file, for errors; `stored` is the head that the weights
 * have, if they are there.
 * @throws UserError that names the file and the key.
 */
export function parseT5Config(json: unknown, at: string, stored?: StoredHead): T5Config {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UserError({ at, problem: 'is no JSON object.', remedy: 'A Hugging Face config.json was expected.' })
  }
  const fields = json as Json
  checkModelType(fields, at)
  const size = (key: keyof typeof LARGEST, otherwise?: number) => wholeNumber(fields, key, at, otherwise)
  const layers = size('num_layers')
  const config = {
    dModel: size('d_model'),
    dKv: size('d_kv'),
    dFf: size('d_ff'),
    encoderLayers: layers,
    decoderLayers: size('num_decoder_layers', layers),
    heads: size('num_heads'),
    relativeBuckets: size('relative_attention_num_buckets', 32),
    relativeMaxDistance: size('relative_attention_max_distance', 128),
    vocabulary: size('vocab_size'),
    layerNormEpsilon: fraction(fields, 'layer_norm_epsilon', at, 1e-6),
    dropout: fraction(fields, 'dropout_rate', at, 0.1),
    ...feedForward(fields, at),
    ...headOf(statedHead(fields, at), at, stored),
    ...tokenIds(fields, at),
  }
  const parameters = parameterCount(config)
  if (parameters <= MOST_PARAMETERS) return config
  const problem = `describes a T5 of ${parameters.toLocaleString('en')} parameters; at most ${MOST_PARAMETERS.toLocaleString('en')} are read.`
  throw new UserError({ at, problem, remedy: 'The largest T5 has some 13 billion: fetch the file again.' })
}

/** Far beyond any T5, the largest of which is given here; memory is taken by what the file says. */
const LARGEST = {
  num_layers: 1000, // 48
  num_decoder_layers: 1000,
  d_model: 65_536, // 4096
  d_kv: 65_536, // 128
  d_ff: 1_048_576, // 65,536
  num_heads: 4096, // 128
  relative_attention_num_buckets: 65_536, // 32
  relative_attention_max_distance: 1_048_576, // 128
  vocab_size: 4_194_304, // 250,112
}
const MOST_PARAMETERS = 1e12

/** A T5 starts with its padding id by convention, but not by need: a file that has another one has to say with which. */
function tokenIds(fields: Json, at: string): Pick<T5Config, 'padId' | 'eosId' | 'decoderStartId'> {
  const padId = tokenId(fields, 'pad_token_id', at, 0)
  return {
    padId,
    eosId: tokenId(fields, 'eos_token_id', at, 1),
    decoderStartId: tokenId(fields, 'decoder_start_token_id', at, padId === 0 ? 0 : undefined),
  }
}

const modelType = ({ model_type = 't5' }: Json) => model_type

function checkModelType(fields: Json, at: string): void {
  const type = modelType(fields)
  if (type === 't5' || type === 'mt5') return
  const problem = `model_type is ${shown(type)}; this toolkit runs t5 and mt5.`
  throw new UserError({ at, problem, remedy: `${commandLine('list backbones')} shows the presets.` })
}

/** Activations by transformers' names. */
const ACTIVATIONS = { relu: 'relu', gelu: 'gelu', gelu_new: 'gelu_new', silu: 'swish', swish: 'swish' } as const

/** `feed_forward_proj`, and where `dense_act_fn` and `is_gated_act` say something else, they: so does transformers. */
function feedForward(fields: Json, at: string): Pick<T5Config, 'activation' | 'gated'> {
  const projection = fields.feed_forward_proj ?? (modelType(fields) === 'mt5' ? 'gated-gelu' : 'relu')
  const [, gated, name] = /^(gated-)?(\w+)$/.exec(String(projection)) ?? []
  if (name === undefined) throw notThat('feed_forward_proj', projection, 'an activation, alone or behind gated-', at)
  const activation = fields.dense_act_fn ?? (projection === 'gated-gelu' ? 'gelu_new' : name)
  if (Object.hasOwn(ACTIVATIONS, activation as string)) {
    const known = ACTIVATIONS[activation as keyof typeof ACTIVATIONS]
    return { activation: known, gated: flag(fields, 'is_gated_act', at) ?? gated !== undefined }
  }
  const key = fields.dense_act_fn == null ? 'feed_forward_proj' : 'dense_act_fn'
  const names = Object.keys(ACTIVATIONS).join(', ')
  throw notThat(key, fields[key], key === 'dense_act_fn' ? `one of ${names}` : `one of ${names}, or gated- and one`, at)
}

const statedHead = (fields: Json, at: string): StatedHead => ({
  modelType: modelType(fields) as StatedHead['modelType'],
  tied: flag(fields, 'tie_word_embeddings', at),
  scaled: flag(fields, 'scale_decoder_outputs', at),
})

function flag(fields: Json, key: string, at: string): boolean | undefined {
  const value = fields[key]
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined
  throw new UserError({ at, problem: `${key} is ${shown(value)}; it must be true or false.` })
}

function wholeNumber(fields: Json, key: keyof typeof LARGEST, at: string, otherwise?: number): number {
  const value = fields[key] ?? otherwise
  if (!Number.isSafeInteger(value) || (value as number) <= 0) throw notThat(key, value, 'a whole number above 0', at)
  if ((value as number) > LARGEST[key]) throw notThat(key, value, `at most ${LARGEST[key].toLocaleString('en')}`, at)
  return value as number
}

function tokenId(fields: Json, key: string, at: string, otherwise: number | undefined): number {
  const value = fields[key] ?? otherwise
  const vocabulary = fields.vocab_size as number
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < vocabulary) return value as number
  throw notThat(key, value, `a token id, below vocab_size (${vocabulary})`, at)
}

function fraction(fields: Json, key: string, at: string, otherwise: number): number {
  const value = fields[key] ?? otherwise
  if (typeof value === 'number' && value >= 0 && value < 1) return value
  throw notThat(key, value, 'a number from 0 to below 1', at)
}

const shown = (value: unknown) => shortened(JSON.stringify(value))

function notThat(key: string, value: unknown, expected: string, at: string): UserError {
  const problem = value === undefined ? `${key} is missing` : `${key} is ${shown(value)}`
  return new UserError({ at, problem: `${problem}; it must be ${expected}.` })
}

/** Parameters of the whole backbone: 222,903,552 for t5-base. */
export function parameterCount(config: T5Config): number {
  const { dModel, dKv, dFf, heads } = config
  const attention = 4 * dModel * heads * dKv
  const feedForward = (config.gated ? 3 : 2) * dModel * dFf
  const encoder = config.encoderLayers * (attention + feedForward + 2 * dModel)
  const decoder = config.decoderLayers * (2 * attention + feedForward + 3 * dModel)
  const embeddings = (config.tiedHead ? 1 : 2) * config.vocabulary * dModel
  return embeddings + encoder + decoder + 2 * dModel + 2 * heads * config.relativeBuckets
}
