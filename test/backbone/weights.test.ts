import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { backboneShapes } from '../../src/backbone/registry.js'
import { parseT5Config } from '../../src/backbone/t5/config.js'
import { packageRoot } from '../../src/base/root.js'
import { copyOf, folder, save, saveShards, tensorsOf, V1, V1_1 } from './t5_folder.js'

const NANO = join(packageRoot, 'configs/backbones/t5-nano')

describe('the bundled backbone', () => {
  test('holds every tensor with the values that Python reads in it', () => {
    // expected: test/oracle/tensor_files.py
    const expected = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/safetensors.json'), 'utf8'))['t5-nano']
    const backbone = openBackbone(NANO)
    const found = backbone.names().map((name) => {
      const digest = createHash('sha256').update(backbone.read(name)).digest('hex').slice(0, 16)
      return [name, [...backbone.shape(name), digest]]
    })
    backbone.close()
    expect(Object.fromEntries(found)).toEqual(expected)
    expect(found.length).toBe(89)
  })

  test('has a hash that sha256sum gives', () => {
    const backbone = openBackbone(NANO)
    const expected = createHash('sha256')
      .update(readFileSync(join(NANO, 'model.safetensors')))
      .digest('hex')
    expect(backbone.hash()).toBe(expected)
    backbone.close()
  })
})

test('names and shapes of a v1.1', () => {
  const tensors = [...backboneShapes(parseT5Config(V1_1, 'test'))].map(([name, shape]) => `${name} ${shape}`)
  expect(tensors.filter((line) => !line.startsWith('encoder.block.1'))).toEqual([
    'shared.weight 11,6',
    'encoder.block.0.layer.0.SelfAttention.q.weight 4,6',
    'encoder.block.0.layer.0.SelfAttention.k.weight 4,6',
    'encoder.block.0.layer.0.SelfAttention.v.weight 4,6',
    'encoder.block.0.layer.0.SelfAttention.o.weight 6,4',
    'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight 8,2',
    'encoder.block.0.layer.0.layer_norm.weight 6',
    'encoder.block.0.layer.1.DenseReluDense.wi_0.weight 10,6',
    'encoder.block.0.layer.1.DenseReluDense.wi_1.weight 10,6',
    'encoder.block.0.layer.1.DenseReluDense.wo.weight 6,10',
    'encoder.block.0.layer.1.layer_norm.weight 6',
    'encoder.final_layer_norm.weight 6',
    'decoder.block.0.layer.0.SelfAttention.q.weight 4,6',
    'decoder.block.0.layer.0.SelfAttention.k.weight 4,6',
    'decoder.block.0.layer.0.SelfAttention.v.weight 4,6',
    'decoder.block.0.layer.0.SelfAttention.o.weight 6,4',
    'decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight 8,2',
    'decoder.block.0.layer.0.layer_norm.weight 6',
    'decoder.block.0.layer.1.EncDecAttention.q.weight 4,6',
    'decoder.block.0.layer.1.EncDecAttention.k.weight 4,6',
    'decoder.block.0.layer.1.EncDecAttention.v.weight 4,6',
    'decoder.block.0.layer.1.EncDecAttention.o.weight 6,4',
    'decoder.block.0.layer.1.layer_norm.weight 6',
    'decoder.block.0.layer.2.DenseReluDense.wi_0.weight 10,6',
    'decoder.block.0.layer.2.DenseReluDense.wi_1.weight 10,6',
    'decoder.block.0.layer.2.DenseReluDense.wo.weight 6,10',
    'decoder.block.0.layer.2.layer_norm.weight 6',
    'decoder.final_layer_norm.weight 6',
    'lm_head.weight 11,6',
  ])
})

describe('reads', () => {
  const expectModel = (config: Record<string, unknown>) => {
    const backbone = openBackbone(folder)
    const expected = tensorsOf(config)
    expect(backbone.names()).toEqual([...expected.keys()])
    for (const [name, { data }] of expected) expect([...backbone.read(name)], name).toEqual([...data])
    const hash = backbone.hash()
    backbone.close()
    return hash
  }

  test('shards, and hashes them one after the other', () => {
    saveShards(V1)
    const files = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    const hash = createHash('sha256')
    for (const file of files) hash.update(readFileSync(join(folder, file)))
    expect(expectModel(V1)).toBe(hash.digest('hex'))
  })

  test('copies of the table that older files hold, and the bias that no T5 uses', () => {
    save(V1, (tensors) => {
      for (const name of ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', 'lm_head.weight']) {
        tensors.set(name, copyOf(tensors, 'shared.weight'))
      }
      const bias = { shape: [8, 2], data: new Float32Array(16) }
      tensors.set('decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight', bias)
    })
    expectModel(V1)
  })

  test('the table under its other name', () => {
    save(V1_1, (tensors) => {
      tensors.set('encoder.embed_tokens.weight', copyOf(tensors, 'shared.weight'))
      tensors.delete('shared.weight')
    })
    expectModel(V1_1)
  })
})
