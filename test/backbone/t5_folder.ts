import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import { backboneShapes } from '../../src/backbone/registry.js'
import { parseT5Config } from '../../src/backbone/t5/config.js'
import { elements, type WritableTensor, writeSafetensors } from '../../src/base/safetensors/safetensors.js'

// No two sizes alike: vocabulary 11, d_model 6, inner 4, d_ff 10, 8 buckets, 2 heads.
export const V1 = {
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
export const V1_1 = { ...V1, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false }

export let folder: string
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
export function tensorsOf(config: Record<string, unknown>): Tensors {
  const shapes = [...backboneShapes(parseT5Config(config, 'test'))]
  return new Map(
    shapes.map(([name, shape], k) => [
      name,
      { shape, data: Float32Array.from({ length: elements(shape) }, (_, i) => k + i / 1000) },
    ]),
  )
}

/** A Hugging Face folder, after `change` had its way with the tensors. */
export function save(config: Record<string, unknown>, change: (tensors: Tensors) => void = () => {}): void {
  const tensors = tensorsOf(config)
  change(tensors)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'tokenizer.json'), '{}')
  writeSafetensors(join(folder, 'model.safetensors'), tensors)
}

/** The same in two shards. */
export function saveShards(config: Record<string, unknown>): void {
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

export const copyOf = (tensors: Tensors, name: string) => tensors.get(name)!
export const weightsFile = () => join(folder, 'model.safetensors')
