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

test.each<[object, string]>([
  [{ norm_bias: true }, 'norm_bias is true; it must be false.'],
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
