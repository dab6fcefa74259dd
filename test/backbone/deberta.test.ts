// expected rows: transformers' make_log_bucket_position(i, 256, 512) + 256
import { expect, test } from 'vitest'
import { distanceRow } from '../../src/backbone/deberta/distance.js'
import { backbonePreset } from '../../src/backbone/files/preset.js'
import { encoderFamilyOf, onlyEncoder, parseConfig } from '../../src/backbone/registry.js'

const SMALL = {
  model_type: 'deberta-v2',
  vocab_size: 97,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  relative_attention: true,
  pos_att_type: 'p2c|c2p',
}
const parse = (json: object) => onlyEncoder(parseConfig(json, 'some/config.json'))

test('reads the keys of v3, and those of an older file', () => {
  expect(parse({ ...SMALL, position_buckets: 6, norm_rel_ebd: 'layer_norm', share_att_key: true })).toMatchObject({
    family: 'deberta',
    distances: 6,
    bucketed: true,
    longestDistance: 512,
    normsDistances: true,
    sharesProducts: true,
    biasedInput: true,
    layerNormEpsilon: 1e-7,
  })
  expect(parse({ ...SMALL, pos_att_type: ['c2p'], max_relative_positions: 30 })).toMatchObject({
    contentToPosition: true,
    positionToContent: false,
    distances: 30,
    bucketed: false,
    sharesProducts: false,
  })
})

test('reads what it writes', () => {
  for (const json of [{}, { position_buckets: 6, share_att_key: true }, { pos_att_type: 'c2p', hidden_act: 'relu' }]) {
    const config = parse({ ...SMALL, ...json })
    expect(parse(encoderFamilyOf(config).toHuggingFace(config))).toEqual(config)
  }
})

test('distances share rows as in transformers', () => {
  const config = backbonePreset('deberta-v3-base')!.config
  if (config.family !== 'deberta') throw new Error(config.family)
  const rows = [
    ...[
      [-511, 1],
      [-400, 23],
      [-256, 64],
      [-200, 87],
      [-150, 113],
      [-129, 127],
      [-128, 128],
      [-127, 129],
      [-5, 251],
    ],
    ...[
      [0, 256],
      [1, 257],
      [64, 320],
      [127, 383],
      [128, 384],
      [129, 385],
      [140, 393],
      [199, 425],
      [255, 448],
      [257, 448],
    ],
    ...[
      [300, 463],
      [350, 477],
      [421, 494],
      [500, 510],
      [510, 511],
      [511, 511],
    ],
  ] as const
  for (const [distance, row] of rows) expect(distanceRow(distance, config), `${distance}`).toBe(row)
})

test.each<[object, string]>([
  [{ relative_attention: false }, 'relative_attention is false; it must be true.'],
  [{ conv_kernel_size: 3 }, 'conv_kernel_size is 3; it must be 0: no convolution is read.'],
  [{ embedding_size: 12 }, 'embedding_size is 12; it must be hidden_size (24).'],
  [{ pos_att_type: 'p2p' }, 'pos_att_type is "p2p"; it must be c2p, p2c or p2c|c2p.'],
  [{ norm_rel_ebd: 'rms' }, 'norm_rel_ebd is "rms"; it must be none or layer_norm.'],
  [{ num_attention_heads: 5 }, 'num_attention_heads is 5; it must be a divisor of hidden_size (24).'],
])('%j is refused', (fields, problem) => {
  expect(() => parse({ ...SMALL, ...fields })).toThrow(`some/config.json: ${problem}`)
})
