import type { Head, TensorSpec } from '../family.js'
import { encoderSites, type Site } from '../hooks.js'
import { headTensorsOf, type Named, normTensors, productTensors } from '../modules.js'
import type { Biases, ModernBertConfig } from './config.js'

const PREFIX = 'model.'

export const EMBEDDINGS = `${PREFIX}embeddings.tok_embeddings.weight`
/** Norms by their modules. */
export const EMBEDDING_NORM = `${PREFIX}embeddings.norm`
export const FINAL_NORM = `${PREFIX}final_norm`
/** Modules of a head. */
export const HEAD_DENSE = 'head.dense'
export const HEAD_NORM = 'head.norm'
export const CLASSIFIER = 'classifier'

const MODULES = { qkv: 'attn.Wqkv', o: 'attn.Wo', wi: 'mlp.Wi', wo: 'mlp.Wo' }

export type Product = keyof typeof MODULES

/** The module of a product: `model.layers.3.attn.Wqkv`. */
export const productName = (layer: number, product: Product): string => `${PREFIX}layers.${layer}.${MODULES[product]}`

/** The module of the norm in front of a sublayer; the embeddings' own norm serves the first. */
export const normName = ({ layer, sublayer }: Site): string | undefined => {
  if (sublayer === 'attention' && layer === 0) return undefined
  return `${PREFIX}layers.${layer}.${sublayer === 'attention' ? 'attn_norm' : 'mlp_norm'}`
}

/** Every tensor of a backbone of this config, by Hugging Face name, in the model's order. Matrices are [out, in]. */
export function modernBertTensors(config: ModernBertConfig): Map<string, TensorSpec> {
  const { vocabulary, dModel, biases } = config
  const norm = (module: string, site?: Site): Named[] =>
    biased(normTensors(module, dModel, { ...(site && { site }) }), biases.norms)
  const inSublayer = (site: Site): Named[] => {
    const module = normName(site)
    return [...(module === undefined ? [] : norm(module, site)), ...products(site, config)]
  }
  const named: Named[] = [
    [EMBEDDINGS, { shape: [vocabulary, dModel], role: 'table' }],
    ...norm(EMBEDDING_NORM),
    ...encoderSites(config).flatMap(inSublayer),
    ...norm(FINAL_NORM),
  ]
  return new Map(named.map(([name, spec]) => [name, { ...spec, aliases: [name.slice(PREFIX.length)] }]))
}

/** The tensors of a module without its bias, where it has none. */
const biased = (module: Named[], hasBias: boolean): Named[] =>
  module.filter(([, { role }]) => hasBias || (role !== 'bias' && role !== 'norm_bias'))

function products(site: Site, { dModel, dFf, biases }: ModernBertConfig): Named[] {
  const product = (name: Product, shape: [number, number], hasBias: boolean): Named[] =>
    biased(productTensors(productName(site.layer, name), shape, { site, product: name }), hasBias)
  return site.sublayer === 'attention'
    ? [...product('qkv', [3 * dModel, dModel], biases.attention), ...product('o', [dModel, dModel], biases.attention)]
    : [...product('wi', [2 * dFf, dModel], biases.feed_forward), ...product('wo', [dModel, dFf], biases.feed_forward)]
}

/** The config with the kinds of biases that these names are of; a model has all or none of a kind. */
export function withBiases(config: ModernBertConfig, names: ReadonlySet<string>): ModernBertConfig {
  const all = modernBertTensors({ ...config, biases: { attention: true, feed_forward: true, norms: true } })
  const biases: Biases = { ...config.biases }
  for (const [name, { role, site }] of all) {
    if (!names.has(name)) continue
    if (role === 'norm_bias') biases.norms = true
    if (role === 'bias') biases[site!.sublayer === 'attention' ? 'attention' : 'feed_forward'] = true
  }
  return { ...config, biases }
}

/** The first two are also in checkpoints of the pretrained model, whose values transformers takes. */
export function modernBertHeadTensors(config: ModernBertConfig, { kind, labels }: Head): Map<string, TensorSpec> {
  const { dModel, biases } = config
  return new Map<string, TensorSpec>([
    [`${HEAD_DENSE}.weight`, { shape: [dModel, dModel], role: 'head' }],
    ...biased(normTensors(HEAD_NORM, dModel), biases.norms),
    ...headTensorsOf(CLASSIFIER, kind === 'choice' ? 1 : labels, dModel),
  ])
}

/** Heads of the tasks that a model was pretrained for or fine-tuned on before. */
export const ignores = (name: string): boolean => /^(head|decoder|classifier)\./.test(name)
