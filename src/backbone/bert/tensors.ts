import type { Head, TensorSpec } from '../family.js'
import { encoderSites, type Site } from '../hooks.js'
import { headTensorsOf, type Named, normTensors, productTensors, withOtherNames } from '../modules.js'
import type { BertConfig } from './config.js'
import {
  embeddingName,
  embeddingNorm,
  embeddingProjection,
  normName,
  productName,
  TYPES,
  type TypeNames,
} from './names.js'

type Products = TypeNames['products']

/** Every tensor of a backbone of this config, by Hugging Face name, in the model's order. Matrices are [out, in]. */
export function bertTensors(config: BertConfig): Map<string, TensorSpec> {
  const { modelType, vocabulary, embeddingSize, dModel, positions, segments, pooler } = config
  const table = (of: 'word' | 'position' | 'token_type', rows: number, role: TensorSpec['role']): Named => [
    `${embeddingName(modelType, of)}.weight`,
    { shape: [rows, embeddingSize], role },
  ]
  const poolerName = pooler ? TYPES[modelType].pooler : undefined
  const named = [
    table('word', vocabulary, 'table'),
    table('position', positions, 'position'),
    ...(segments > 0 ? [table('token_type', segments, 'table')] : []),
    ...normTensors(embeddingNorm(modelType), embeddingSize),
    ...(embeddingSize === dModel ? [] : productTensors(embeddingProjection(modelType), [dModel, embeddingSize])),
    ...encoderSites(config).flatMap((site) => ofSublayer(site, config)),
    ...(poolerName === undefined ? [] : productTensors(poolerName, [dModel, dModel])),
  ]
  return withOtherNames(named, `${TYPES[modelType].prefix}.`)
}

function ofSublayer(site: Site, { modelType, dModel, dFf }: BertConfig): Named[] {
  const of = (name: keyof Products, shape: [number, number]) =>
    productTensors(productName(modelType, site.layer, name), shape, { site, product: name })
  const products =
    site.sublayer === 'attention'
      ? (['q', 'k', 'v', 'o'] as const).flatMap((name) => of(name, [dModel, dModel]))
      : [...of('wi', [dFf, dModel]), ...of('wo', [dModel, dFf])]
  return [...products, ...normTensors(normName(modelType, site), dModel, { site })]
}

/** The names of the products in a head, the last one last. */
export function headModules({ modelType, pooler }: BertConfig, { kind }: Head): { own: string[]; pooler?: string } {
  const { heads, pooler: poolerName } = TYPES[modelType]
  const { layer, last } = heads[kind]
  if (!layer) return { own: [last] }
  if (layer.name !== poolerName) return { own: [layer.name, last] }
  return { own: pooler ? [last] : [layer.name, last], pooler: layer.name }
}

/** The pooler is a part of the head where the checkpoint has none. */
export function bertHeadTensors(config: BertConfig, head: Head): Map<string, TensorSpec> {
  const { own } = headModules(config, head)
  const rows = head.kind === 'choice' ? 1 : head.labels
  return new Map(
    own.flatMap((module, i) => headTensorsOf(module, i === own.length - 1 ? rows : config.dModel, config.dModel)),
  )
}

/** Transformers builds no pooler where the head does not read it. */
export const forHead = (config: BertConfig, head: Head): BertConfig => ({
  ...config,
  pooler: config.pooler && headModules(config, head).pooler !== undefined,
})
