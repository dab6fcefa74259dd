import type { Head, TensorSpec } from '../family.js'
import { encoderSites, type Site } from '../hooks.js'
import { headTensorsOf, type Named, normTensors, productTensors, withOtherNames } from '../modules.js'
import type { DebertaConfig } from './config.js'

const PREFIX = 'deberta.'

export const WORDS = `${PREFIX}embeddings.word_embeddings.weight`
export const POSITIONS = `${PREFIX}embeddings.position_embeddings.weight`
export const SEGMENTS = `${PREFIX}embeddings.token_type_embeddings.weight`
/** Vectors of distances between tokens, which all layers share. */
export const DISTANCES = `${PREFIX}encoder.rel_embeddings.weight`
/** Norms by their modules. */
export const EMBEDDING_NORM = `${PREFIX}embeddings.LayerNorm`
export const DISTANCE_NORM = `${PREFIX}encoder.LayerNorm`
/** Modules of a head. */
export const POOLER = 'pooler.dense'
export const CLASSIFIER = 'classifier'

const MODULES = {
  q: 'attention.self.query_proj',
  k: 'attention.self.key_proj',
  v: 'attention.self.value_proj',
  o: 'attention.output.dense',
  distance_k: 'attention.self.pos_key_proj',
  distance_q: 'attention.self.pos_query_proj',
  wi: 'intermediate.dense',
  wo: 'output.dense',
}
export type Product = keyof typeof MODULES

/** The module of a product: `deberta.encoder.layer.3.attention.self.query_proj`. */
export const productName = (layer: number, product: Product): string =>
  `${PREFIX}encoder.layer.${layer}.${MODULES[product]}`

/** The module of the norm behind a sublayer and its residual sum. */
export const normName = ({ layer, sublayer }: Site): string =>
  `${PREFIX}encoder.layer.${layer}.${sublayer === 'attention' ? 'attention.' : ''}output.LayerNorm`

/** Every tensor of a backbone of this config, by Hugging Face name, in the model's order. Matrices are [out, in]. */
export function debertaTensors(config: DebertaConfig): Map<string, TensorSpec> {
  const { vocabulary, dModel, positions, biasedInput, segments, distances, normsDistances } = config
  const table = (name: string, rows: number, role: TensorSpec['role']): Named => [name, { shape: [rows, dModel], role }]
  const named = [
    table(WORDS, vocabulary, 'table'),
    ...(biasedInput ? [table(POSITIONS, positions, 'position')] : []),
    ...(segments > 0 ? [table(SEGMENTS, segments, 'table')] : []),
    ...normTensors(EMBEDDING_NORM, dModel),
    table(DISTANCES, 2 * distances, 'position'),
    ...(normsDistances ? normTensors(DISTANCE_NORM, dModel) : []),
    ...encoderSites(config).flatMap((site) => ofSublayer(site, config)),
  ]
  return withOtherNames(named, PREFIX)
}

function ofSublayer(site: Site, config: DebertaConfig): Named[] {
  const { dModel, dFf } = config
  const of = (name: Product, shape: [number, number]) =>
    productTensors(productName(site.layer, name), shape, { site, product: name })
  const products =
    site.sublayer === 'attention'
      ? [...(['q', 'k', 'v'] as const), ...distanceProducts(config), 'o' as const].flatMap((name) =>
          of(name, [dModel, dModel]),
        )
      : [...of('wi', [dFf, dModel]), ...of('wo', [dModel, dFf])]
  return [...products, ...normTensors(normName(site), dModel, { site })]
}

/** Where layers do not share the products of queries and keys with distances, they have some for these. */
const distanceProducts = ({ sharesProducts, contentToPosition, positionToContent }: DebertaConfig): Product[] =>
  sharesProducts
    ? []
    : [...(contentToPosition ? (['distance_k'] as const) : []), ...(positionToContent ? (['distance_q'] as const) : [])]

export function debertaHeadTensors({ dModel }: DebertaConfig, { kind, labels }: Head): Map<string, TensorSpec> {
  const last = headTensorsOf(CLASSIFIER, kind === 'choice' ? 1 : labels, dModel)
  return new Map(kind === 'tokens' ? last : [...headTensorsOf(POOLER, dModel, dModel), ...last])
}

/**
 * Heads of the tasks that a model was pretrained for or fine-tuned on before, and positions that some checkpoints
 * store and transformers leaves aside too.
 */
const LEFT_ASIDE = [
  /^(cls|lm_head|lm_predictions|mask_predictions|pooler|classifier|qa_outputs)\./,
  /^(deberta\.)?embeddings\.(position_embeddings\.weight|position_ids)$/,
]

export const ignores = (name: string): boolean => LEFT_ASIDE.some((pattern) => pattern.test(name))
