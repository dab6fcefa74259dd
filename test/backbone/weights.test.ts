import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { backboneShapes } from '../../src/backbone/registry.js'
import { parseT5Config } from '../../src/backbone/t5/config.js'
import { packageRoot } from '../../src/base/root.js'
import { elements, type WritableTensor, writeSafetensors } from '../../src/base/safetensors/safetensors.js'

const NANO = join(packageRoot, 'configs/backbones/t5-nano')

// No two sizes alike: vocabulary 11, d_model 6, inner 4, d_ff 10, 8 buckets, 2 heads.
const V1 = {
  model_type: 't5',
  d_model: 6,
  d_kv: 2,
  d_ff: 10,
  num_layers: 2,
  num_decoder_layers: 1,
  num_heads: 2,
  relative_attention_num_buckets: 8,
  vocab_size: 11,
  feed_forward_proj: 'relu',
  tie_word_embeddings: true,
}
const V1_1 = { ...V1, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weights-'))
  vi.stubEnv('COMPACTER_CACHE', join(folder, '.cache'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

type Tensors = Map<string, WritableTensor>

/** Tensors of the model, the i-th value of the k-th one being k + i/1000. */
function tensorsOf(config: Record<string, unknown>): Tensors {
  const shapes = [...backboneShapes(parseT5Config(config, 'test'))]
  return new Map(
    shapes.map(([name, shape], k) => [
      name,
      { shape, data: Float32Array.from({ length: elements(shape) }, (_, i) => k + i / 1000) },
    ]),
  )
}

/** A Hugging Face folder, after `change` had its way with the tensors. */
function save(config: Record<string, unknown>, change: (tensors: Tensors) => void = () => {}): void {
  const tensors = tensorsOf(config)
  change(tensors)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'tokenizer.json'), '{}')
  writeSafetensors(join(folder, 'model.safetensors'), tensors)
}

/** The same in two shards. */
function saveShards(config: Record<string, unknown>): void {
  save(config)
  rmSync(join(folder, 'model.safetensors'))
  const tensors = [...tensorsOf(config)]
  const shards: [string, typeof tensors][] = [
    ['model-00001-of-00002.safetensors', tensors.slice(0, 9)],
    ['model-00002-of-00002.safetensors', tensors.slice(9)],
  ]
  for (const [file, part] of shards) writeSafetensors(join(folder, file), part)
  const map = Object.fromEntries(shards.flatMap(([file, part]) => part.map(([name]) => [name, file])))
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }))
}

const copyOf = (tensors: Tensors, name: string) => tensors.get(name)!
const weightsFile = () => join(folder, 'model.safetensors')

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

describe('refuses with file and tensor', () => {
  const SAME = 'Take config.json and weights from the same model.'
  const complaint = () => {
    try {
      openBackbone(folder)
      return 'opened'
    } catch (error) {
      return `${error}`.replaceAll(folder, 'FOLDER')
    }
  }
  const q = 'encoder.block.0.layer.0.SelfAttention.q.weight'

  test.each<[string, () => void, string]>([
    [
      'another shape',
      () => save(V1, (tensors) => tensors.set(q, { shape: [6, 4], data: copyOf(tensors, q).data })),
      `FOLDER/model.safetensors: tensor ${q} has shape [6, 4]; config.json says [4, 6]. ${SAME}`,
    ],
    [
      'a missing tensor',
      () => save(V1, (tensors) => tensors.delete(q)),
      `FOLDER/model.safetensors: has no tensor ${q}. Take all files from the same T5.`,
    ],
    [
      'a tensor too many',
      () => save(V1, (tensors) => tensors.set('encoder.block.2.layer.0.layer_norm.weight', copyOf(tensors, q))),
      `FOLDER/model.safetensors: has tensor encoder.block.2.layer.0.layer_norm.weight, which a model of this config.json does not have. ${SAME}`,
    ],
    [
      'a second table',
      () =>
        save(V1, (tensors) =>
          tensors.set('decoder.embed_tokens.weight', { shape: [11, 6], data: new Float32Array(66) }),
        ),
      'FOLDER/model.safetensors: tensor decoder.embed_tokens.weight differs from shared.weight; in this model they are one.',
    ],
    [
      'a missing shard',
      () => {
        saveShards(V1)
        rmSync(join(folder, 'model-00002-of-00002.safetensors'))
      },
      'FOLDER/model.safetensors.index.json: names the shard model-00002-of-00002.safetensors, which is not in the folder. Fetch it.',
    ],
    [
      'a shard twice',
      () => {
        saveShards(V1)
        copyFileSync(join(folder, 'model-00001-of-00002.safetensors'), join(folder, 'model-00002-of-00002.safetensors'))
      },
      'FOLDER/model-00002-of-00002.safetensors: has tensor encoder.block.0.layer.0.SelfAttention.k.weight, as FOLDER/model-00001-of-00002.safetensors has.',
    ],
    [
      'a shard outside of the folder',
      () => {
        saveShards(V1)
        writeFileSync(join(folder, 'model.safetensors.index.json'), '{"weight_map": {"a": "../x.safetensors"}}')
      },
      'FOLDER/model.safetensors.index.json: names the shard "../x.safetensors", which is not a .safetensors file of this folder.',
    ],
    [
      'an index without a map',
      () => {
        saveShards(V1)
        writeFileSync(join(folder, 'model.safetensors.index.json'), '[]')
      },
      'FOLDER/model.safetensors.index.json: has no weight_map from tensor to file.',
    ],
    [
      'pickled weights only',
      () => {
        save(V1)
        renameSync(weightsFile(), join(folder, 'pytorch_model.bin'))
      },
      "FOLDER: has pytorch_model.bin, but no model.safetensors. Convert it in Python: AutoModelForSeq2SeqLM.from_pretrained('FOLDER').save_pretrained('NEW_FOLDER').",
    ],
    [
      'no weights',
      () => {
        save(V1)
        rmSync(weightsFile())
      },
      'FOLDER: has no model.safetensors and no model.safetensors.index.json. Name a folder with a whole Hugging Face T5.',
    ],
    [
      'no tokenizer',
      () => {
        save(V1)
        rmSync(join(folder, 'tokenizer.json'))
      },
      "FOLDER: has no tokenizer.json. Make it in Python: AutoTokenizer.from_pretrained('FOLDER').save_pretrained('FOLDER').",
    ],
  ])('%s', (_, make, expected) => {
    make()
    expect(complaint()).toBe(`UserError: ${expected}`)
  })

  test('a truncated file', () => {
    save(V1)
    truncateSync(weightsFile(), 5000)
    expect(() => openBackbone(folder)).toThrow(
      /^\S+\/model\.safetensors: is truncated: tensor \S+ ends at byte \d+, the file at byte 5000\./,
    )
  })

  test('a path that is not a folder', () => {
    expect(() => openBackbone(join(folder, 'none'))).toThrow(
      `${folder}/none: no such folder. Name a folder with a Hugging Face T5.`,
    )
  })

  test.runIf(existsSync('/proc/self/fd'))('and leaves no file open', () => {
    save(V1, (tensors) => tensors.delete(q))
    const before = readdirSync('/proc/self/fd').length
    for (let i = 0; i < 5; i++) expect(() => openBackbone(folder)).toThrow(q)
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})
