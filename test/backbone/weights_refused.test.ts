import { copyFileSync, cpSync, existsSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { packageRoot } from '../../src/base/root.js'
import { copyOf, folder, save, saveShards, V1, weightsFile } from './t5_folder.js'

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
      `FOLDER/model.safetensors: has no tensor ${q}. Take all files from the same model.`,
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
      'FOLDER: has no model.safetensors and no model.safetensors.index.json. Name a folder with a whole Hugging Face model.',
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

  test.each(['bert', 'modernbert'])('pickled weights of an encoder: %s', (type) => {
    save(V1)
    cpSync(join(packageRoot, `test/fixtures/${type}-tiny/config.json`), join(folder, 'config.json'))
    renameSync(weightsFile(), join(folder, 'pytorch_model.bin'))
    expect(complaint()).toBe(
      "UserError: FOLDER: has pytorch_model.bin, but no model.safetensors. Convert it in Python: AutoModel.from_pretrained('FOLDER').save_pretrained('NEW_FOLDER').",
    )
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
      `${folder}/none: no such folder. Name a folder with a Hugging Face model.`,
    )
  })

  test.runIf(existsSync('/proc/self/fd'))('and leaves no file open', () => {
    save(V1, (tensors) => tensors.delete(q))
    const before = readdirSync('/proc/self/fd').length
    for (let i = 0; i < 5; i++) expect(() => openBackbone(folder)).toThrow(q)
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})
