import { expect, test } from 'vitest'
import { encoderFamilyOf, onlyEncoder, parseConfig } from '../../src/backbone/registry.js'

const SMALL = {
  model_type: 'modernbert',
  vocab_size: 97,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  pad_token_id: 5,
}
const parse = (json: object) => onlyEncoder(parseConfig(json, 'some/config.json'))

test('reads the keys of transformers 4', () => {
  const json = { ...SMALL, global_attn_every_n_layers: 3, global_rope_theta: 160000, local_rope_theta: 10000 }
  expect(parse({ ...json, local_attention: 6, classifier_pooling: 'mean' })).toMatchObject({
    family: 'modernbert',
    dKv: 6,
    dFf: 40,
    positions: 8192,
    global: [true, false, false, true],
    window: 3,
    theta: { global: 160000, local: 10000 },
    pooling: 'mean',
    layerNormEpsilon: 1e-5,
  })
})

test('reads what it writes for transformers 5', () => {
  const config = parse({ ...SMALL, global_attn_every_n_layers: 2, local_rope_theta: 500, hidden_activation: 'silu' })
  expect(parse(encoderFamilyOf(config).toHuggingFace(config))).toEqual(config)
})

test('has the biases that config.json says, and can be given those of a kind by the name of one', () => {
  const biasesOf = (json: object) => {
    const config = parse({ ...SMALL, ...json })
    expect(parse(encoderFamilyOf(config).toHuggingFace(config))).toEqual(config)
    return [...encoderFamilyOf(config).tensors(config).keys()].filter((name) => name.endsWith('.bias'))
  }
  const inLayers = (...modules: string[]) =>
    [0, 1, 2, 3].flatMap((i) => modules.map((m) => `model.layers.${i}.${m}.bias`))
  expect(biasesOf({})).toEqual([])
  expect(biasesOf({ attention_bias: true })).toEqual(inLayers('attn.Wqkv', 'attn.Wo'))
  expect(biasesOf({ mlp_bias: true })).toEqual(inLayers('mlp.Wi', 'mlp.Wo'))
  expect(biasesOf({ norm_bias: true })).toHaveLength(2 + 4 * 2 - 1)
  const { withBiases } = encoderFamilyOf(parse(SMALL))
  const given = withBiases!(parse(SMALL), new Set(['model.layers.3.attn.Wo.bias', 'model.layers.0.mlp.Wi.weight']))
  expect(given).toEqual(parse({ ...SMALL, attention_bias: true }))
})

test.each<[object, string]>([
  [{ classifier_bias: true }, 'classifier_bias is true; it must be false.'],
  [
    { num_attention_heads: 8 },
    'num_attention_heads is 8; it must be one that leaves each head an even width, which is rotated.',
  ],
  [{ num_attention_heads: 5 }, 'num_attention_heads is 5; it must be a divisor of hidden_size (24).'],
  [{ layer_types: ['full_attention'] }, 'layer_types is ["full_attention"]; it must be one type for each of 4 layers.'],
  [
    { rope_parameters: { full_attention: { rope_type: 'yarn' } } },
    'rope_parameters is {"full_attention":{"rope_type":"yarn"}}; it must be rope_type default and a rope_theta for each layer type.',
  ],
  [{ classifier_pooling: 'last' }, 'classifier_pooling is "last"; it must be cls or mean.'],
])('%j is refused', (fields, problem) => {
  expect(() => parse({ ...SMALL, ...fields })).toThrow(`some/config.json: ${problem}`)
})
