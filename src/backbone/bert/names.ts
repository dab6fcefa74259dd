import type { Head } from '../family.js'
import type { Site } from '../hooks.js'

export const MODEL_TYPES = ['bert', 'roberta', 'xlm-roberta', 'electra', 'distilbert'] as const
export type ModelType = (typeof MODEL_TYPES)[number]

/** A layer of a head that is not its last: f(W·x + b). */
export interface HeadLayer {
  name: string
  activation: 'tanh' | 'gelu' | 'relu'
  /** Whether its input is dropped out. */
  dropsInput: boolean
}

/** How a type makes logits of encoded tokens: of the first one, unless the head is of tokens. */
interface HeadNames {
  layer?: HeadLayer
  /** The last product, whose input is dropped out. */
  last: string
}

/** What distinguishes the models of the family, by transformers' names. */
export interface TypeNames {
  /** Names of all tensors of the backbone start with it; some checkpoints leave it out. */
  prefix: string
  layers: string
  /** Products by our names. */
  products: Record<'q' | 'k' | 'v' | 'o' | 'wi' | 'wo', string>
  norms: { attention: string; feed_forward: string }
  /** Whether positions are counted from behind the padding id, over tokens that are not padding. */
  positionsAfterPadding: boolean
  /** Whether attention's output is dropped out. */
  dropsAttentionOutput: boolean
  /** The layer that makes one vector of the first token, where the backbone has one. */
  pooler?: string
  heads: Record<Head['kind'], HeadNames>
}

const BERT_LAYER = {
  layers: 'encoder.layer',
  products: {
    q: 'attention.self.query',
    k: 'attention.self.key',
    v: 'attention.self.value',
    o: 'attention.output.dense',
    wi: 'intermediate.dense',
    wo: 'output.dense',
  },
  norms: { attention: 'attention.output.LayerNorm', feed_forward: 'output.LayerNorm' },
  positionsAfterPadding: false,
  dropsAttentionOutput: true,
}

const ofTokens = { last: 'classifier' }

const pooled = (pooler: string) => ({
  layer: { name: pooler, activation: 'tanh' as const, dropsInput: false },
  last: 'classifier',
})

const inClassifier = (activation: HeadLayer['activation']) => ({
  layer: { name: 'classifier.dense', activation, dropsInput: true },
  last: 'classifier.out_proj',
})

const ROBERTA: TypeNames = {
  ...BERT_LAYER,
  prefix: 'roberta',
  positionsAfterPadding: true,
  pooler: 'roberta.pooler.dense',
  heads: { sequence: inClassifier('tanh'), tokens: ofTokens, choice: pooled('roberta.pooler.dense') },
}

const PRE_CLASSIFIER = {
  layer: { name: 'pre_classifier', activation: 'relu', dropsInput: false },
  last: 'classifier',
} as const

export const TYPES: Record<ModelType, TypeNames> = {
  bert: {
    ...BERT_LAYER,
    prefix: 'bert',
    pooler: 'bert.pooler.dense',
    heads: { sequence: pooled('bert.pooler.dense'), tokens: ofTokens, choice: pooled('bert.pooler.dense') },
  },
  roberta: ROBERTA,
  'xlm-roberta': ROBERTA,
  electra: {
    ...BERT_LAYER,
    prefix: 'electra',
    heads: {
      sequence: inClassifier('gelu'),
      tokens: ofTokens,
      choice: {
        layer: { name: 'sequence_summary.summary', activation: 'gelu', dropsInput: false },
        last: 'classifier',
      },
    },
  },
  distilbert: {
    prefix: 'distilbert',
    layers: 'transformer.layer',
    products: {
      q: 'attention.q_lin',
      k: 'attention.k_lin',
      v: 'attention.v_lin',
      o: 'attention.out_lin',
      wi: 'ffn.lin1',
      wo: 'ffn.lin2',
    },
    norms: { attention: 'sa_layer_norm', feed_forward: 'output_layer_norm' },
    positionsAfterPadding: false,
    dropsAttentionOutput: false,
    heads: { sequence: PRE_CLASSIFIER, tokens: ofTokens, choice: PRE_CLASSIFIER },
  },
}

/** The module of a product: `bert.encoder.layer.3.attention.self.query`. */
export const productName = (type: ModelType, layer: number, product: keyof TypeNames['products']): string =>
  `${layerName(type, layer)}.${TYPES[type].products[product]}`

/** The module of the norm behind a sublayer and its residual sum. */
export const normName = (type: ModelType, { layer, sublayer }: Site): string =>
  `${layerName(type, layer)}.${TYPES[type].norms[sublayer === 'attention' ? 'attention' : 'feed_forward']}`

const layerName = (type: ModelType, layer: number) => `${TYPES[type].prefix}.${TYPES[type].layers}.${layer}`

/** The module of an embedding: `bert.embeddings.word_embeddings`. */
export const embeddingName = (type: ModelType, of: 'word' | 'position' | 'token_type'): string =>
  `${TYPES[type].prefix}.embeddings.${of}_embeddings`

export const embeddingNorm = (type: ModelType): string => `${TYPES[type].prefix}.embeddings.LayerNorm`

/** The product that widens ELECTRA's embeddings to the width of the layers. */
export const embeddingProjection = (type: ModelType): string => `${TYPES[type].prefix}.embeddings_project`

/**
 * Heads of the tasks that a model was pretrained for or fine-tuned on before; and positions that old checkpoints store,
 * which are 0, 1, 2, …
 */
const LEFT_ASIDE = [
  /^cls\./,
  /^lm_head\./,
  /^(discriminator|generator)_predictions\./,
  /^generator_lm_head\./,
  /^vocab_(transform|layer_norm|projector)\./,
  /^(pre_classifier|classifier|qa_outputs|sequence_summary)\./,
  /^(\w+\.)?embeddings\.(position|token_type)_ids$/,
]

export const ignores = (name: string): boolean => LEFT_ASIDE.some((pattern) => pattern.test(name))
