import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { positionsAfterPadding } from '../../src/backbone/bert/model.js'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { encoderFamilyOf, onlyEncoder, parameterCount, parseConfig } from '../../src/backbone/registry.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors, type WritableTensor, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import tf from '../../src/tensor/tf.cjs'
import { engines, useEngine } from '../support/engines.js'

const BERT = {
  model_type: 'bert',
  vocab_size: 97,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 3,
  num_attention_heads: 4,
}
const DISTILBERT = { model_type: 'distilbert', vocab_size: 97, dim: 24, hidden_dim: 40, n_layers: 3, n_heads: 4 }
const parse = (json: object) => onlyEncoder(parseConfig(json, 'some/config.json'))

describe('config.json', () => {
  test('has the defaults of transformers', () => {
    expect(parse(BERT)).toEqual({
      family: 'bert',
      modelType: 'bert',
      dModel: 24,
      heads: 4,
      dKv: 6,
      dFf: 40,
      encoderLayers: 3,
      decoderLayers: 0,
      vocabulary: 97,
      embeddingSize: 24,
      positions: 512,
      segments: 2,
      layerNormEpsilon: 1e-12,
      dropout: 0.1,
      activation: 'gelu',
      initializerRange: 0.02,
      padId: 0,
      pooler: true,
    })
    expect(parse({ ...BERT, model_type: 'electra' })).toMatchObject({ embeddingSize: 128, pooler: false })
    expect(parse({ ...BERT, model_type: 'xlm-roberta' })).toMatchObject({ padId: 1 })
    expect(parse(DISTILBERT)).toMatchObject({ dModel: 24, dFf: 40, segments: 0, layerNormEpsilon: 1e-12 })
  })

  test.each([BERT, { ...BERT, model_type: 'electra', hidden_act: 'silu' }, { ...DISTILBERT, pad_token_id: 5 }])(
    'is written as it was read: $model_type',
    (json) => {
      const config = parse(json)
      expect(parse(encoderFamilyOf(config).toHuggingFace(config))).toEqual(config)
    },
  )

  test('gives RoBERTa rows that are shorter than its table of positions', () => {
    const config = parse({ ...BERT, model_type: 'roberta', max_position_embeddings: 514 })
    expect(encoderFamilyOf(config).longest(config)).toBe(512)
  })

  test.each<[object, string]>([
    [{ ...BERT, hidden_size: undefined }, 'hidden_size is missing; it must be a whole number above 0.'],
    [{ ...BERT, num_attention_heads: 5 }, 'num_attention_heads is 5; it must be a divisor of hidden_size (24).'],
    [{ ...DISTILBERT, n_heads: 5 }, 'n_heads is 5; it must be a divisor of dim (24).'],
    [
      { ...BERT, position_embedding_type: 'relative_key' },
      'position_embedding_type is "relative_key"; it must be absolute.',
    ],
    [{ ...BERT, is_decoder: true }, 'is_decoder is true; it must be false: only encoders are read.'],
    [
      { ...BERT, hidden_act: 'gelu_10' },
      'hidden_act is "gelu_10"; it must be one of gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, silu, swish.',
    ],
    [{ ...BERT, pruned_heads: { 0: [1] } }, 'pruned_heads is {"0":[1]}; it must be empty.'],
    [{ ...BERT, pad_token_id: 97 }, 'pad_token_id is 97; it must be a token id, below vocab_size (97).'],
    [{ ...DISTILBERT, sinusoidal_pos_embds: true }, 'sinusoidal_pos_embds is true; it must be false.'],
    [
      { ...BERT, model_type: 'roberta', max_position_embeddings: 2 },
      'max_position_embeddings is 2; it must be above pad_token_id + 1.',
    ],
  ])('%j is refused', (json, problem) => {
    expect(() => parse(json)).toThrow(`some/config.json: ${problem}`)
  })
})

describe('a head', () => {
  const names = (json: object, kind: 'sequence' | 'tokens' | 'choice') => {
    const config = parse(json)
    return [...encoderFamilyOf(config).headTensors(config, { kind, labels: 7 })].map(
      ([name, { shape, role }]) => `${name} ${shape} ${role}`,
    )
  }

  test("has transformers' names and shapes", () => {
    expect(names(BERT, 'sequence')).toEqual(['classifier.weight 7,24 head', 'classifier.bias 7 head'])
    expect(names({ ...BERT, model_type: 'roberta' }, 'sequence')).toEqual([
      'classifier.dense.weight 24,24 head',
      'classifier.dense.bias 24 head',
      'classifier.out_proj.weight 7,24 head',
      'classifier.out_proj.bias 7 head',
    ])
    expect(names(DISTILBERT, 'choice')).toEqual([
      'pre_classifier.weight 24,24 head',
      'pre_classifier.bias 24 head',
      'classifier.weight 1,24 head',
      'classifier.bias 1 head',
    ])
  })

  test('leaves a pooler that it does not read out of the backbone', () => {
    const config = parse({ ...BERT, model_type: 'roberta' })
    const family = encoderFamilyOf(config)
    const pooler = 24 * 24 + 24
    const without = family.forHead(config, { kind: 'sequence', labels: 2 })
    expect(parameterCount(config) - parameterCount(without)).toBe(pooler)
    expect(family.forHead(config, { kind: 'choice', labels: 1 })).toEqual(config)
  })
})

describe('weights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-bert-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const source = join(packageRoot, 'test/fixtures/bert-tiny')
  const stored = openSafetensors(join(source, 'model.safetensors'))
  const tensors = () =>
    [...stored.entries].map(([name, { shape }]): [string, WritableTensor] => [name, { shape, data: stored.read(name) }])
  const save = (changed: [string, WritableTensor][]) => {
    cpSync(join(source, 'config.json'), join(folder, 'config.json'))
    writeFileSync(join(folder, 'tokenizer.json'), '{}')
    writeSafetensors(join(folder, 'model.safetensors'), changed)
  }
  const LAYER_NORM = 'bert.encoder.layer.1.attention.output.LayerNorm.bias'

  test.each<[string, (name: string) => string]>([
    ['as transformers writes them now', (name) => name],
    ['without the prefix', (name) => name.replace(/^bert\./, '')],
    [
      'with the old names of norms',
      (name) => name.replace('Norm.weight', 'Norm.gamma').replace('Norm.bias', 'Norm.beta'),
    ],
  ])('are read %s', (_, renamed) => {
    save(tensors().map(([name, tensor]) => [renamed(name), tensor]))
    const backbone = openBackbone(folder)
    expect(backbone.read(LAYER_NORM)).toEqual(stored.read(LAYER_NORM))
    expect(backbone.names()).not.toContain('classifier.weight')
    expect(backbone.config).toMatchObject({ pooler: true })
    backbone.close()
  })

  test('leave heads of other tasks and stored positions aside', () => {
    const left = ['cls.predictions.bias', 'bert.embeddings.position_ids', 'qa_outputs.weight']
    save([
      ...tensors(),
      ...left.map((name): [string, WritableTensor] => [name, { shape: [3], data: new Float32Array(3) }]),
    ])
    openBackbone(folder).close()
  })

  test('are refused with a tensor of no head', () => {
    save([...tensors(), ['bert.encoder.layer.3.output.dense.bias', { shape: [24], data: new Float32Array(24) }]])
    expect(() => openBackbone(folder)).toThrow(
      `${folder}/model.safetensors: has tensor bert.encoder.layer.3.output.dense.bias, which a model of this config.json does not have.`,
    )
  })

  test('may have no pooler, which is then a part of the head', () => {
    save(tensors().filter(([name]) => !name.includes('pooler')))
    const { config, names, close } = openBackbone(folder)
    close()
    const encoder = onlyEncoder(config)
    expect(names().filter((name) => name.includes('pooler'))).toEqual([])
    expect([...encoderFamilyOf(encoder).headTensors(encoder, { kind: 'sequence', labels: 2 }).keys()]).toEqual([
      'bert.pooler.dense.weight',
      'bert.pooler.dense.bias',
      'classifier.weight',
      'classifier.bias',
    ])
  })

  test('are as many as the config counts', () => {
    const shared = join(packageRoot, 'test/fixtures/bert-tiny/config.json')
    const config = parseConfig(JSON.parse(readFileSync(shared, 'utf8')), shared)
    const own = tensors().filter(([name]) => !name.startsWith('classifier.'))
    expect(parameterCount(config)).toBe(own.reduce((sum, [, { data }]) => sum + data.length, 0))
  })
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  // RobertaEmbeddings.create_position_ids_from_input_ids(torch.tensor([[0, 9, 1, 7, 2, 1, 1]]), 1)
  test('positions of RoBERTa count the ids that are not padding, also where a text holds it', () => {
    const ids = tf.tensor2d([[0, 9, 1, 7, 2, 1, 1]], [1, 7], 'int32')
    expect([...positionsAfterPadding(ids, 1).dataSync()]).toEqual([2, 3, 1, 4, 5, 1, 1])
  })
})
