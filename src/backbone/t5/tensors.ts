import type { T5Config } from './config.js'

/**
 * Every tensor that a T5 of this config has, by Hugging Face name, in the model's order. Projections are [out, in], the
 * bias of the relative positions is [buckets, heads]; `lm_head.weight` is there only where the head is its own.
 */
export function backboneTensors(config: T5Config): Map<string, number[]> {
  const tensors: [string, number[]][] = [['shared.weight', [config.vocabulary, config.dModel]]]
  for (let i = 0; i < config.encoderLayers; i++) {
    const block = `encoder.block.${i}.layer`
    tensors.push(...attention(`${block}.0`, 'SelfAttention', config, i === 0), ...feedForward(`${block}.1`, config))
  }
  tensors.push(['encoder.final_layer_norm.weight', [config.dModel]])
  for (let i = 0; i < config.decoderLayers; i++) {
    const block = `decoder.block.${i}.layer`
    tensors.push(...attention(`${block}.0`, 'SelfAttention', config, i === 0))
    tensors.push(...attention(`${block}.1`, 'EncDecAttention', config, false), ...feedForward(`${block}.2`, config))
  }
  tensors.push(['decoder.final_layer_norm.weight', [config.dModel]])
  if (!config.tiedHead) tensors.push(['lm_head.weight', [config.vocabulary, config.dModel]])
  return new Map(tensors)
}

function attention(layer: string, kind: string, config: T5Config, first: boolean): [string, number[]][] {
  const { dModel, heads, dKv } = config
  const inner = heads * dKv
  const projections = ['q', 'k', 'v'].map((name): [string, number[]] => [
    `${layer}.${kind}.${name}.weight`,
    [inner, dModel],
  ])
  const positions: [string, number[]] = [
    `${layer}.${kind}.relative_attention_bias.weight`,
    [config.relativeBuckets, heads],
  ]
  return [
    ...projections,
    [`${layer}.${kind}.o.weight`, [dModel, inner]],
    ...(first ? [positions] : []),
    [`${layer}.layer_norm.weight`, [dModel]],
  ]
}

function feedForward(layer: string, { dModel, dFf, gated }: T5Config): [string, number[]][] {
  const up = gated ? ['wi_0', 'wi_1'] : ['wi']
  return [
    ...up.map((name): [string, number[]] => [`${layer}.DenseReluDense.${name}.weight`, [dFf, dModel]]),
    [`${layer}.DenseReluDense.wo.weight`, [dModel, dFf]],
    [`${layer}.layer_norm.weight`, [dModel]],
  ]
}

/** Other names under which checkpoints store the same tensor, in place of it or beside it. */
export function aliases(name: string, { tiedHead }: T5Config): string[] {
  if (name !== 'shared.weight') return []
  const names = ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight']
  return tiedHead ? [...names, 'lm_head.weight'] : names
}

/** In Google's v1.0 checkpoints, used by no version of the model; transformers skips it too. */
export const ignoredTensors = new Set(['decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight'])
