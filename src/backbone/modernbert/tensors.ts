import type { Head, TensorSpec } from '../family.js'
import { encoderSites, type Site } from '../hooks.js'
import type { ModernBertConfig } from './config.js'

type Named = [name: string, spec: TensorSpec]

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

/** The matrix of a product: `model.layers.3.attn.Wqkv.weight`. */
export const productName = (layer: number, product: keyof typeof MODULES): string =>
  `${PREFIX}layers.${layer}.${MODULES[product]}.weight`

/** The module of the norm in front of a sublayer; the embeddings' own norm serves the first. */
export const normName = ({ layer, sublayer }: Site): string | undefined => {
  if (sublayer === 'attention' && layer === 0) return undefined
  return `${PREFIX}layers.${layer}.${sublayer === 'attention' ? 'attn_norm' : 'mlp_norm'}`
}

/** Every tensor of a backbone of this config, by Hugging Face name, in the model's order. Matrices are [out, in]. */
export function modernBertTensors(config: ModernBertConfig): Map<string, TensorSpec> {
  const { vocabulary, dModel } = config
  const norm = (module: string, site?: Site): Named => [
    `${module}.weight`,
    { shape: [dModel], role: 'norm', ...(site && { site }) },
  ]
  const inSublayer = (site: Site): Named[] => {
    const module = normName(site)
    return [...(module === undefined ? [] : [norm(module, site)]), ...products(site, config)]
  }
  const named: Named[] = [
    [EMBEDDINGS, { shape: [vocabulary, dModel], role: 'table' }],
    norm(EMBEDDING_NORM),
    ...encoderSites(config).flatMap(inSublayer),
    norm(FINAL_NORM),
  ]
  return new Map(named.map(([name, spec]) => [name, { ...spec, aliases: [name.slice(PREFIX.length)] }]))
}

function products(site: Site, { dModel, dFf }: ModernBertConfig): Named[] {
  const product = (name: keyof typeof MODULES, shape: number[]): Named => [
    productName(site.layer, name),
    { shape, role: 'product', site, product: name },
  ]
  return site.sublayer === 'attention'
    ? [product('qkv', [3 * dModel, dModel]), product('o', [dModel, dModel])]
    : [product('wi', [2 * dFf, dModel]), product('wo', [dModel, dFf])]
}

/** The first two are also in checkpoints of the pretrained model, whose values transformers takes. */
export function modernBertHeadTensors({ dModel }: ModernBertConfig, { kind, labels }: Head): Map<string, TensorSpec> {
  const rows = kind === 'choice' ? 1 : labels
  return new Map<string, TensorSpec>([
    [`${HEAD_DENSE}.weight`, { shape: [dModel, dModel], role: 'head' }],
    [`${HEAD_NORM}.weight`, { shape: [dModel], role: 'norm' }],
    [`${CLASSIFIER}.weight`, { shape: [rows, dModel], role: 'head' }],
    [`${CLASSIFIER}.bias`, { shape: [rows], role: 'head' }],
  ])
}

/** Heads of the tasks that a model was pretrained for or fine-tuned on before. */
export const ignores = (name: string): boolean => /^(head|decoder|classifier)\./.test(name)
