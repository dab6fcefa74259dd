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
import { shardNames } from './weight_files.js'

export type { DownloadProgress }

export interface HubOptions extends SnapshotOptions {
  /** Names to offer where the hub has no such model. */
  presets?: string[]
}

const NEEDED = ['config.json', 'tokenizer.json']
const OPTIONAL = ['generation_config.json']
const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/**
 * Returns the folder of a hub's T5 in the standard Hugging Face cache; downloads it if it is missing there.
 * @throws UserError as `downloadSnapshot`, and for a model without safetensors or tokenizer.json.
 */
export function downloadModel(id: string, { presets = [], ...options }: HubOptions = {}): Promise<string> {
  const repository = { type: 'model' as const, id, instead: 'name a folder', presets }
  return downloadSnapshot(repository, { isComplete, choose }, options)
}

/** Whether `downloadModel` would have nothing to download. */
export const modelIsCached = (id: string): Promise<boolean> => isCached({ type: 'model', id }, { isComplete })

function isComplete(snapshot: string): boolean {
  const has = (name: string) => existsSync(join(snapshot, name))
  if (!NEEDED.every(has)) return false
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
  const chosen = [...NEEDED.map(find), ...OPTIONAL.flatMap((name) => files.get(name) ?? [])]
  if (files.has(SINGLE) || !files.has(INDEX)) return [...chosen, find(SINGLE)]
  await fetch([find(INDEX)])
  return [...chosen, ...shards(join(snapshot, INDEX)).map(find)]
}

function lacking(name: string, files: Map<string, unknown>): { problem: string; remedy: string } {
  if (name === SINGLE && files.has('pytorch_model.bin')) {
    return {
      problem: `has pytorch_model.bin, but no ${SINGLE}.`,
      remedy: 'Download and convert it in Python: AutoModelForSeq2SeqLM.from_pretrained(…).save_pretrained(FOLDER).',
    }
  }
  if (name === 'tokenizer.json') {
    return {
      problem: 'has no tokenizer.json.',
      remedy: 'Download it in Python and save it: AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER).',
    }
  }
  return { problem: `has no ${name}.`, remedy: 'Name a T5 whose weights are safetensors.' }
}
