// What PyTorch's sides of the benchmarks read: a backbone's folder, start values, rows as texts.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBackbone } from '../src/backbone/files/weights.js'
import { backboneTensors, familyOf } from '../src/backbone/registry.js'
import { cacheFolder } from '../src/base/files/cache_folder.js'
import { packageRoot } from '../src/base/root.js'
import { writeSafetensors } from '../src/base/safetensors/safetensors.js'
import { select } from '../src/count/selection.js'
import { named } from '../src/engine/model/layout.js'
import { blueprintOf, startVector } from '../src/engine/model/model.js'
import type { Experiment } from '../src/experiment/schema.js'
import { randomWeights } from '../src/measure/random_weights.js'
import type { TaskOptions } from '../src/task/options.js'
import { readSplit } from '../src/task/rows/source.js'

export const NANO = join(packageRoot, 'configs/backbones/t5-nano')
const SEED = 42

/** Returns a folder with t5-nano, or with a preset's dimensions, random weights and t5-nano's tokenizer. */
export async function backboneFolder(preset: string, folder: string): Promise<string> {
  if (preset === 't5-nano') return NANO
  const [subject] = await select({ backbones: [preset], methods: ['full'] })
  const { config } = subject!
  const own = join(folder, preset)
  mkdirSync(own, { recursive: true })
  const json = { ...familyOf(config).toHuggingFace(config), model_type: 't5', architectures: [T5], dtype: 'float32' }
  writeFileSync(join(own, 'config.json'), JSON.stringify(json))
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(NANO, file), join(own, file))
  const read = randomWeights(config, SEED)
  const tensors = [...backboneTensors(config)].map(
    ([name, { shape }]) => [name, { shape, read: () => read(name) }] as const,
  )
  writeSafetensors(join(own, 'model.safetensors'), tensors)
  return own
}

const T5 = 'T5ForConditionalGeneration'

/** Writes the values that our training starts from, so that both sides start from the same. */
export function writeStart(experiment: Experiment, backbone: string, file: string): void {
  const { config, read, close } = openBackbone(backbone)
  const blueprint = blueprintOf(config, experiment.method)
  writeSafetensors(file, named(blueprint.layout, startVector(blueprint, read, SEED)))
  close()
}

/** Writes train.jsonl, validation.jsonl and test.jsonl with the fields source and target. */
export async function writeRows(task: TaskOptions, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const split of ['train', 'validation', 'test'] as const) {
    const lines = (await readSplit(task, split)).map(({ source, target }) => JSON.stringify({ source, target }))
    writeFileSync(join(folder, `${split}.jsonl`), `${lines.join('\n')}\n`)
  }
}

/** Makes a cache that holds the engines and nothing else: no tokens, no graphs of an earlier run. */
export function freshCache(folder: string): NodeJS.ProcessEnv {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  symlinkSync(join(cacheFolder(), 'engines'), join(folder, 'engines'))
  return { COMPACTER_CACHE: folder }
}
