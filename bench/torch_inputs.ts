// What PyTorch's sides of the benchmarks read: a backbone's folder, start values, rows as texts.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBackbone } from '../src/backbone/files/weights.js'
import { backboneTensors, familyOf, isEncoder } from '../src/backbone/registry.js'
import { cacheFolder } from '../src/base/files/cache_folder.js'
import { packageRoot } from '../src/base/root.js'
import { writeSafetensors } from '../src/base/safetensors/safetensors.js'
import { select } from '../src/count/selection.js'
import { named } from '../src/engine/model/layout.js'
import { blueprintOf, startVector } from '../src/engine/model/model.js'
import { headedFor } from '../src/engine/prepare/head.js'
import type { Experiment } from '../src/experiment/schema.js'
import { randomWeights } from '../src/measure/random_weights.js'
import type { TaskOptions } from '../src/task/options.js'
import { readSplit } from '../src/task/rows/source.js'

const BUNDLED = ['t5-nano', 'bert-nano']
const bundled = (name: string) => join(packageRoot, 'configs/backbones', name)

export const NANO = bundled('t5-nano')
const SEED = 42

/**
 * Returns a folder with a bundled backbone, or with a preset's dimensions, random weights and the tokenizer of t5-nano
 * or, for an encoder, bert-nano.
 */
export async function backboneFolder(preset: string, folder: string): Promise<string> {
  if (BUNDLED.includes(preset)) return bundled(preset)
  const [subject] = await select({ backbones: [preset], methods: ['full'] })
  const { config } = subject!
  const own = join(folder, preset)
  mkdirSync(own, { recursive: true })
  const decodes = !isEncoder(config) && { model_type: 't5', architectures: [T5] }
  const json = { ...familyOf(config).toHuggingFace(config), ...decodes, dtype: 'float32' }
  writeFileSync(join(own, 'config.json'), JSON.stringify(json))
  const nano = bundled(isEncoder(config) ? 'bert-nano' : 't5-nano')
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(nano, file), join(own, file))
  const read = randomWeights(config, SEED)
  const tensors = [...backboneTensors(config)].map(
    ([name, { shape }]) => [name, { shape, read: () => read(name) }] as const,
  )
  writeSafetensors(join(own, 'model.safetensors'), tensors)
  return own
}

const T5 = 'T5ForConditionalGeneration'

/** Writes the values that our training starts from, so that both sides start from the same; an encoder's head too. */
export function writeStart({ method, task }: Experiment, backbone: string, file: string): void {
  const { config, read, close } = openBackbone(backbone)
  const blueprint = blueprintOf(headedFor(config, task), method)
  writeSafetensors(file, named(blueprint.layout, startVector(blueprint, read, SEED)))
  close()
}

/** Writes train.jsonl, validation.jsonl and test.jsonl with the fields source, target and, for a pair, second. */
export async function writeRows(task: TaskOptions, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const split of ['train', 'validation', 'test'] as const) {
    const lines = (await readSplit(task, split)).map(({ source, second, target }) =>
      JSON.stringify({ source, second, target }),
    )
    writeFileSync(join(folder, `${split}.jsonl`), `${lines.join('\n')}\n`)
  }
}

/** Makes a cache that holds the engines and nothing else: no tokens, no graphs of an earlier run. */
export function freshCache(folder: string): NodeJS.ProcessEnv {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  symlinkSync(join(cacheFolder(), 'engines'), join(folder, 'engines'))
  return { COMPACTER_CACHE: folder }
}
