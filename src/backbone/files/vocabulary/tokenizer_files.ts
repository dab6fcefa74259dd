import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readJson } from '../../../base/files/json_file.js'

export const TOKENIZER_JSON = 'tokenizer.json'
export const CONFIG_JSON = 'config.json'

/** Files of a vocabulary alone, as folders from before tokenizer.json have them, by `model_type`. */
const VOCABULARIES: Record<string, readonly string[]> = {
  'deberta-v2': ['spm.model'],
  bert: ['vocab.txt'],
  distilbert: ['vocab.txt'],
  electra: ['vocab.txt'],
  roberta: ['vocab.json', 'merges.txt'],
}

/** Files next to a vocabulary that say how it is used, and which tokens there are besides. */
export const SETTINGS = ['tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'] as const

/** Whether a file of that name may be a vocabulary. */
export const isVocabulary = (name: string): boolean => Object.values(VOCABULARIES).some((names) => names.includes(name))

/** Returns the files of a vocabulary alone of which a tokenizer is made here for models of that config.json. */
export function vocabularyOf(config: unknown): readonly string[] | undefined {
  const type = (config as { model_type?: unknown } | null)?.model_type
  return typeof type === 'string' && Object.hasOwn(VOCABULARIES, type) ? VOCABULARIES[type] : undefined
}

/**
 * Returns the file of a folder that its tokenizer is loaded from: tokenizer.json, or else the vocabulary alone where
 * the folder's config.json is of a model whose tokenizer is made of it; undefined where there is neither.
 */
export function tokenizerFileIn(folder: string): string | undefined {
  const has = (name: string) => existsSync(join(folder, name))
  if (has(TOKENIZER_JSON)) return join(folder, TOKENIZER_JSON)
  const names = has(CONFIG_JSON) ? vocabularyOf(readJson(join(folder, CONFIG_JSON))) : undefined
  return names?.every(has) ? join(folder, names[0]!) : undefined
}

/** Returns all files that decide what a tokenizer does which is loaded from `file`: those to hash. */
export function tokenizerSources(file: string): string[] {
  const vocabulary = Object.values(VOCABULARIES).find(([first]) => first === basename(file))
  if (!vocabulary) return [file]
  const settings = SETTINGS.map((name) => join(dirname(file), name)).filter((path) => existsSync(path))
  return [...vocabulary.map((name) => join(dirname(file), name)), ...settings]
}
