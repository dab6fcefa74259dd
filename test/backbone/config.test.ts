import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { backbonePreset, backbonePresets } from '../../src/backbone/files/preset.js'
import { parameterCount, parseConfig } from '../../src/backbone/registry.js'
import { parseT5Config } from '../../src/backbone/t5/config.js'
import { packageRoot } from '../../src/base/root.js'

const small = {
  d_model: 512,
  d_kv: 64,
  d_ff: 1024,
  num_layers: 8,
  num_decoder_layers: 6,
  num_heads: 5,
  vocab_size: 320,
}
const parse = (fields: object) => parseT5Config({ ...small, ...fields }, 'some/config.json')

describe('a Hugging Face config.json', () => {
  test('of t5-nano', () => {
    const json = JSON.parse(readFileSync(join(packageRoot, 'configs/backbones/t5-nano/config.json'), 'utf8'))
    expect(parseT5Config(json, 'config.json')).toEqual({
      family: 't5',
      dModel: 256,
      dKv: 64,
      dFf: 1024,
      encoderLayers: 4,
      decoderLayers: 4,
      heads: 4,
      relativeBuckets: 32,
      relativeMaxDistance: 128,
      vocabulary: 8128,
      layerNormEpsilon: 1e-6,
      dropout: 0.1,
      activation: 'relu',
      gated: false,
      tiedHead: true,
      scaledHead: true,
      padId: 0,
      eosId: 1,
      decoderStartId: 0,
    })
  })

  test.each([
    ['v1.0, old', {}, true],
    ['v1.0, Transformers 5', { tie_word_embeddings: true, scale_decoder_outputs: true }, true],
    ['v1.1, old', { tie_word_embeddings: false }, false],
    ['v1.1, Transformers 5', { tie_word_embeddings: true, scale_decoder_outputs: false }, false],
    ['mT5 without either', { model_type: 'mt5' }, false],
    ['mT5, Transformers 5', { model_type: 'mt5', tie_word_embeddings: true }, false],
  ])('tells the head without weights, which is that of the pretrained models: %s', (_name, fields, both) => {
    expect(parse(fields)).toMatchObject({ tiedHead: both, scaledHead: both })
  })

  test.each<[string, object, Parameters<typeof parseT5Config>[2], boolean, boolean]>([
    ['T5, no tensor', {}, 'none', true, true],
    ['T5 that is not scaled, no tensor', { scale_decoder_outputs: false }, 'none', true, false],
    ['T5 that is scaled, one of its own', { scale_decoder_outputs: true }, 'own', false, true],
    ['T5, a copy', {}, 'copy', true, true],
    ['T5 that is not tied, a copy', { tie_word_embeddings: false }, 'copy', false, false],
    ['mT5, no tensor', { model_type: 'mt5', scale_decoder_outputs: true }, 'none', true, false],
    ['mT5 that is tied, one of its own', { model_type: 'mt5', tie_word_embeddings: true }, 'own', false, false],
  ])(
    'takes from the weights whether the head is tied, and never scales an mT5: %s',
    (_, fields, stored, tied, scaled) => {
      const { tiedHead, scaledHead } = parseT5Config({ ...small, ...fields }, 'config.json', stored)
      expect({ tiedHead, scaledHead }).toEqual({ tiedHead: tied, scaledHead: scaled })
    },
  )

  test.each([
    [{}, 'relu', false],
    [{ model_type: 'mt5' }, 'gelu_new', true],
    [{ feed_forward_proj: 'gated-gelu' }, 'gelu_new', true],
    [{ feed_forward_proj: 'gelu' }, 'gelu', false],
    [{ feed_forward_proj: 'gated-silu' }, 'swish', true],
    [{ feed_forward_proj: 'gated-gelu', dense_act_fn: 'gelu' }, 'gelu', true],
    [{ feed_forward_proj: 'gated-gelu', dense_act_fn: 'relu', is_gated_act: false }, 'relu', false],
  ])('takes the activation as transformers does: %o', (fields, activation, gated) => {
    expect(parse(fields)).toMatchObject({ activation, gated })
  })

  test('takes the ids that rows are padded, ended and started with', () => {
    const ids = parse({ pad_token_id: 7, eos_token_id: 319, decoder_start_token_id: 4 })
    expect(ids).toMatchObject({ padId: 7, eosId: 319, decoderStartId: 4 })
    expect(parse({})).toMatchObject({ padId: 0, eosId: 1, decoderStartId: 0 })
  })

  test('tells the stacks apart, and gated GELU', () => {
    expect(parse({ feed_forward_proj: 'gated-gelu' })).toMatchObject({
      encoderLayers: 8,
      decoderLayers: 6,
      gated: true,
      activation: 'gelu_new',
    })
  })

  test.each([
    [{ d_model: undefined }, 'd_model is missing; it must be a whole number above 0.'],
    [{ d_model: '512' }, 'd_model is "512"; it must be a whole number above 0.'],
    [{ num_layers: 0 }, 'num_layers is 0; it must be a whole number above 0.'],
    [{ num_layers: 4e9 }, 'num_layers is 4000000000; it must be at most 1,000.'],
    [{ num_decoder_layers: 1e300 }, 'num_decoder_layers is 1e+300; it must be a whole number above 0.'],
    [{ d_model: 2 ** 40 }, 'd_model is 1099511627776; it must be at most 65,536.'],
    [
      { relative_attention_max_distance: -5 },
      'relative_attention_max_distance is -5; it must be a whole number above 0.',
    ],
    [{ vocab_size: 1e12 }, 'vocab_size is 1000000000000; it must be at most 4,194,304.'],
    [
      { num_layers: 1000, d_model: 65_536, d_ff: 1_048_576 },
      'describes a T5 of 138,348,633,260,352 parameters; at most 1,000,000,000,000 are read. The largest T5 has some 13 billion: fetch the file again.',
    ],
    [{ d_kv: 'x'.repeat(1e6) }, `d_kv is "${'x'.repeat(119)}…; it must be a whole number above 0.`],
    [{ dropout_rate: 1.5 }, 'dropout_rate is 1.5; it must be a number from 0 to below 1.'],
    [{ pad_token_id: -1 }, 'pad_token_id is -1; it must be a token id, below vocab_size (320).'],
    [{ eos_token_id: 320 }, 'eos_token_id is 320; it must be a token id, below vocab_size (320).'],
    [{ pad_token_id: 7 }, 'decoder_start_token_id is missing; it must be a token id, below vocab_size (320).'],
    [{ tie_word_embeddings: 'no' }, 'tie_word_embeddings is "no"; it must be true or false.'],
    [
      { feed_forward_proj: 'gated-mish' },
      'feed_forward_proj is "gated-mish"; it must be one of relu, gelu, gelu_new, silu, swish, or gated- and one.',
    ],
    [
      { feed_forward_proj: 'relu', dense_act_fn: 'constructor' },
      'dense_act_fn is "constructor"; it must be one of relu, gelu, gelu_new, silu, swish.',
    ],
    [
      { feed_forward_proj: 'very-gated-gelu', dense_act_fn: 'gelu' },
      'feed_forward_proj is "very-gated-gelu"; it must be an activation, alone or behind gated-.',
    ],
    [{ is_gated_act: 'yes' }, 'is_gated_act is "yes"; it must be true or false.'],
    [
      { model_type: 'gpt2' },
      'model_type is "gpt2"; this toolkit reads t5, mt5, bert, roberta, xlm-roberta, electra, distilbert, deberta-v2, modernbert. compacter list backbones shows the presets.',
    ],
    [
      { tie_word_embeddings: false, scale_decoder_outputs: true },
      'tie_word_embeddings is false and scale_decoder_outputs true: transformers 4 does not scale the output of such a decoder, transformers 5 does. Set tie_word_embeddings to true (the weights tell whether the head is its own), and scale_decoder_outputs to what the model was trained with: true for a T5 v1.0, false for a v1.1.',
    ],
  ])('is refused: %o', (fields, message) => {
    expect(() => parseConfig({ ...small, ...fields }, 'some/config.json')).toThrow(
      expect.objectContaining({ name: 'UserError', message: `some/config.json: ${message}` }),
    )
  })
})

// Sums over the tensors of the hub's checkpoints.
const PARAMETERS = {
  't5-nano': 9_426_688,
  't5-small': 60_506_624,
  't5-base': 222_903_552,
  't5-large': 737_668_096,
  't5-3b': 2_851_598_336,
  't5-11b': 11_307_321_344,
  't5-v1_1-small': 76_961_152,
  't5-v1_1-base': 247_577_856,
  't5-v1_1-large': 783_150_080,
  't5-v1_1-xl': 2_849_757_184,
  't5-v1_1-xxl': 11_135_332_352,
  'flan-t5-small': 76_961_152,
  'flan-t5-base': 247_577_856,
  'flan-t5-large': 783_150_080,
  'flan-t5-xl': 2_849_757_184,
  'flan-t5-xxl': 11_135_332_352,
  'mt5-small': 300_176_768,
  'mt5-base': 582_401_280,
  'mt5-large': 1_229_581_312,
  'mt5-xl': 3_742_619_648,
  'mt5-xxl': 12_921_057_280,
}

// sum(p.numel() for p in AutoModel.from_config(config).parameters()), transformers 5.18
const ENCODERS = {
  'bert-base-uncased': 109_482_240,
  'bert-base-cased': 108_310_272,
  'bert-large-uncased': 335_141_888,
  'bert-base-multilingual-cased': 177_853_440,
  'minilm-l6': 22_713_216,
  'minilm-l12': 33_360_000,
  'tinybert-4l': 14_350_248,
  'roberta-base': 124_645_632,
  'roberta-large': 355_359_744,
  'xlm-roberta-base': 278_043_648,
  'bert-nano': 5_339_904, // its README: 5,340,418 with a head for two labels
  'distilbert-base-uncased': 66_362_880,
  'electra-small': 13_483_008,
  'electra-base': 108_891_648,
  'deberta-v3-xsmall': 70_682_112,
  'deberta-v3-small': 141_304_320,
  'deberta-v3-base': 183_831_552,
  'deberta-v3-large': 434_012_160,
  'mdeberta-v3-base': 278_218_752,
  'modernbert-base': 149_014_272,
  'modernbert-large': 394_781_696,
}

describe('backbone presets', () => {
  test('have the parameters that the checkpoints have', () => {
    const counts = backbonePresets().map(({ name, config }) => [name, parameterCount(config)])
    expect(Object.fromEntries(counts)).toEqual({ ...PARAMETERS, ...ENCODERS })
  })

  test('are found by hub id too', () => {
    expect(backbonePreset('google/flan-t5-base')).toMatchObject({ name: 'flan-t5-base', tokenizerVocabulary: 32100 })
    expect(backbonePreset('google/flan-t5')).toBeUndefined()
  })

  test('t5-base without the rows beyond its tokenizer', () => {
    const { config, tokenizerVocabulary } = backbonePreset('t5-base')!
    expect(parameterCount({ ...config, vocabulary: tokenizerVocabulary })).toBe(222_882_048)
  })
})
