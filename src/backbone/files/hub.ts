import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { ListFileEntry } from '@huggingface/hub'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import {
  type DownloadProgress,
  downloadSnapshot,
  isCached,
  type Listing,
  type HubOptions as SnapshotOptions,
} from '../../hub/snapshot.js'
import {
  CONFIG_JSON,
  isVocabulary,
  SETTINGS,
  TOKENIZER_JSON,
  tokenizerFileIn,
  vocabularyOf,
} from './vocabulary/tokenizer_files.js'
import { shardNames } from './weight_files.js'

export type { DownloadProgress }

export interface HubOptions extends SnapshotOptions {
  /** Names to offer where the hub has no such model. */
  presets?: string[]
}

const OPTIONAL = ['generation_config.json']
const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/**
 * Returns the folder of a hub's model in the standard Hugging Face cache; downloads it if it is missing there.
 * @throws UserError as `downloadSnapshot`, and for a model without safetensors or a tokenizer that is read.
 */
export function downloadModel(id: string, { presets = [], ...options }: HubOptions = {}): Promise<string> {
  const repository = { type: 'model' as const, id, instead: 'name a folder', presets }
  return downloadSnapshot(repository, { isComplete, choose }, options)
}

/** Whether `downloadModel` would have nothing to download. */
export const modelIsCached = (id: string): Promise<boolean> => isCached({ type: 'model', id }, { isComplete })

function isComplete(snapshot: string): boolean {
  const has = (name: string) => existsSync(join(snapshot, name))
  if (!has(CONFIG_JSON) || tokenizerFileIn(snapshot) === undefined) return false
  return has(SINGLE) || (has(INDEX) && shards(join(snapshot, INDEX)).every(has))
}

/**
 * Reads the names of the shards.
 * @throws UserError naming the cached file itself, not the link to it, since that is the file to delete.
 */
function shards(index: string): string[] {
  const file = realpathSync(index)
  return shardNames(readJson(file, { remedy: 'Delete it: it is then downloaded again.' }), file)
}

/** Returns the files to download; the index is fetched at once, since it names the others. */
async function choose({ at, files, snapshot, fetch }: Listing): Promise<ListFileEntry[]> {
  const find = (name: string): ListFileEntry => {
    const entry = files.get(name)
    if (entry) return entry
    const { problem, remedy } = lacking(name, files)
    throw new UserError({ at, problem, remedy })
  }
  const config = find(CONFIG_JSON)
  const hasTokenizer = files.has(TOKENIZER_JSON)
  const vocabulary = hasTokenizer ? [] : await vocabularyIn(files, join(snapshot, CONFIG_JSON), () => fetch([config]))
  const tokenizer = vocabulary.length > 0 ? vocabulary : [find(TOKENIZER_JSON)]
  const chosen = [config, ...tokenizer, ...OPTIONAL.flatMap((name) => files.get(name) ?? [])]
  if (files.has(SINGLE) || !files.has(INDEX)) return [...chosen, find(SINGLE)]
  await fetch([find(INDEX)])
  return [...chosen, ...shards(join(snapshot, INDEX)).map(find)]
}

/** Returns a vocabulary that a tokenizer is made of, with its settings; empty where there is none for this model. */
async function vocabularyIn(
  files: Map<string, ListFileEntry>,
  config: string,
  fetchConfig: () => Promise<void>,
): Promise<ListFileEntry[]> {
  if (![...files.keys()].some(isVocabulary)) return []
  await fetchConfig()
  const names = vocabularyOf(readJson(realpathSync(config), { remedy: 'Delete it: it is then downloaded again.' }))
  if (!names?.every((name) => files.has(name))) return []
  return [...names, ...SETTINGS].flatMap((name) => files.get(name) ?? [])
}

function lacking(name: string, files: Map<string, unknown>): { problem: string; remedy: string } {
  if (name === SINGLE && files.has('pytorch_model.bin')) {
    return {
      problem: `has pytorch_model.bin, but no ${SINGLE}.`,
      remedy:
        'Download and convert it in Python: AutoModelForSeq2SeqLM (of an encoder AutoModel)' +
        '.from_pretrained(…).save_pretrained(FOLDER).',
    }
  }
  if (name === 'tokenizer.json') {
    return {
      problem: 'has no tokenizer.json.',
      remedy: 'Download it in Python and save it: AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER).',
    }
  }
  return { problem: `has no ${name}.`, remedy: 'Name a model whose weights are safetensors.' }
}
