import { UserError } from '../error.js'

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
  activation: 'relu' | 'gelu_new'
  /** v1.1: wi_0 (activated) times wi_1 in place of wi. */
  gated: boolean
  /** v1.0: the head is the embedding table and the decoder's output is scaled by dModel^-½. v1.1: a head of its own, unscaled. */
  tiedHead: boolean
  /** What rows are padded with. Nothing tells padding by it: a text may hold it as a token. */
  padId: number
  /** What ends a row. */
  eosId: number
  /** What the decoder starts with. */
  decoderStartId: number
}

type Json = Record<string, unknown>

/**
 * Reads a Hugging Face T5, FLAN-T5 or mT5 `config.json`. `at` is the file, for errors. Older files tell an untied head by
 * `tie_word_embeddings: false`; Transformers 5 writes true there for every T5 and tells it by `scale_decoder_outputs: false`.
 * Throws a UserError that names the file and the key.
 */
export function parseT5Config(json: unknown, at: string): T5Config {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UserError({ at, problem: 'is no JSON object.', remedy: 'A Hugging Face config.json was expected.' })
  }
  const fields = json as Json
  checkModelType(fields, at)
  const size = (key: string, otherwise?: number) => wholeNumber(fields, key, at, otherwise)
  const layers = size('num_layers')
  return {
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
    tiedHead: tiedHead(fields, at),
    ...tokenIds(fields, at),
  }
}

/** A T5 starts with its padding id by convention, but not by need: a file that has another one has to say with which. */
function tokenIds(fields: Json, at: string): Pick<T5Config, 'padId' | 'eosId' | 'decoderStartId'> {
  const padId = tokenId(fields, 'pad_token_id', at, 0)
  return {
    padId,
    eosId: tokenId(fields, 'eos_token_id', at, 1),
    decoderStartId: tokenId(fields, 'decoder_start_token_id', at, padId === 0 ? 0 : undefined),
  }
}

function checkModelType(fields: Json, at: string): void {
  const type = fields.model_type ?? 't5'
  if (type === 't5' || type === 'mt5') return
  const problem = `model_type is ${JSON.stringify(type)}; this toolkit runs t5 and mt5.`
  throw new UserError({ at, problem, remedy: 'compacter list backbones shows the presets.' })
}

function feedForward(fields: Json, at: string): Pick<T5Config, 'activation' | 'gated'> {
  const projection = fields.feed_forward_proj ?? 'relu'
  if (projection === 'relu') return { activation: 'relu', gated: false }
  if (projection === 'gated-gelu') return { activation: 'gelu_new', gated: true }
  const problem = `feed_forward_proj is ${JSON.stringify(projection)}; it must be "relu" or "gated-gelu".`
  throw new UserError({ at, problem })
}

function tiedHead(fields: Json, at: string): boolean {
  const tied = flag(fields, 'tie_word_embeddings', at)
  const scaled = flag(fields, 'scale_decoder_outputs', at)
  if (tied === false && scaled === true) {
    const problem =
      'scale_decoder_outputs is true and tie_word_embeddings false; T5 scales only in front of a tied head.'
    throw new UserError({ at, problem, remedy: 'Correct the one that is wrong: v1.0 is true and true, v1.1 false.' })
  }
  return scaled ?? tied ?? fields.model_type !== 'mt5'
}

function flag(fields: Json, key: string, at: string): boolean | undefined {
  const value = fields[key]
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined
  throw new UserError({ at, problem: `${key} is ${JSON.stringify(value)}; it must be true or false.` })
}

function wholeNumber(fields: Json, key: string, at: string, otherwise?: number): number {
  const value = fields[key] ?? otherwise
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw notThat(key, value, 'a whole number above 0', at)
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

function notThat(key: string, value: unknown, expected: string, at: string): UserError {
  const problem = value === undefined ? `${key} is missing` : `${key} is ${JSON.stringify(value)}`
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
