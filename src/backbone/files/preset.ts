import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import { firstComment, presetFile, presetNames } from '../../base/presets.js'
import { readYaml } from '../../base/yaml/source.js'
import { type BackboneConfig, parseConfig } from '../registry.js'
import { REFETCH } from './weight_files.js'

/** The most bytes of a config.json; those of the hub have some 2,000. */
const CONFIG_LIMIT = 1_000_000

/** A backbone known by name: its dimensions, so that counting needs no download, and where its weights are. */
export interface BackbonePreset {
  name: string
  description: string
  /** Hugging Face model id, or the absolute folder of a bundled one. */
  source: string
  /** The number of ids that the tokenizer uses; the embedding table is padded beyond it. */
  tokenizerVocabulary: number
  config: BackboneConfig
}

/** Returns a preset by its name or by its hub id. */
export function backbonePreset(name: string): BackbonePreset | undefined {
  const file = presetFile('backbones', name)
  if (file !== undefined) return readPreset(name, file)
  return name.includes('/') ? backbonePresets().find((preset) => preset.source === name) : undefined
}

/** All presets, by name. */
export function backbonePresets(): BackbonePreset[] {
  return presetNames('backbones').map((name) => readPreset(name, presetFile('backbones', name)!))
}

/**
 * Reads a preset. It has `config:` if the weights are on the hub; a bundled one, whose source begins with `./`, has its
 * own config.json.
 */
function readPreset(name: string, file: string): BackbonePreset {
  const preset = readYaml(file)
  const bundled = preset.source.startsWith('./')
  const source: string = bundled ? resolve(dirname(file), preset.source) : preset.source
  const config = bundled ? readConfig(source) : parseConfig(preset.config, file)
  return { name, description: firstComment(file), source, tokenizerVocabulary: preset.tokenizer_vocabulary, config }
}

/**
 * Reads the dimensions from a folder's `config.json`, and the head from its weights.
 * @throws UserError where it is missing or wrong.
 */
export function readConfig(folder: string): BackboneConfig {
  const file = join(folder, 'config.json')
  if (!existsSync(file)) {
    throw new UserError({
      at: folder,
      problem: 'has no config.json.',
      remedy: 'The folder of a Hugging Face model was expected.',
    })
  }
  return parseConfig(readJson(file, { remedy: REFETCH, limit: CONFIG_LIMIT }), file, folder)
}
