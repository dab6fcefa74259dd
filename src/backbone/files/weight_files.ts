import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import { shortened } from '../../base/text/shortened.js'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
/**
 * What to do about weights of another format. The class is found by config.json: a T5 class would save an mT5 with
 * another head, and one that writes texts refuses an encoder.
 */
const convert = (encoder: boolean) =>
  `Convert it in Python: ${encoder ? 'AutoModel' : 'AutoModelForSeq2SeqLM'}.from_pretrained('FOLDER')` +
  ".save_pretrained('NEW_FOLDER')."

/** What to do about a damaged file of a backbone. */
export const REFETCH = 'Fetch the file again.'

/**
 * Returns the weight files of a folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names,
 * sorted. `encoder` is whether the folder has an encoder alone, for the remedy.
 * @throws UserError where there are none, or a shard is missing.
 */
export function findWeights(folder: string, { encoder = false } = {}): string[] {
  if (existsSync(join(folder, SINGLE))) return [join(folder, SINGLE)]
  if (existsSync(join(folder, INDEX))) return shardFiles(folder)
  const other = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'tf_model.h5', 'flax_model.msgpack'].find(
    (name) => existsSync(join(folder, name)),
  )
  if (other) throw new UserError({ at: folder, problem: `has ${other}, but no ${SINGLE}.`, remedy: convert(encoder) })
  throw new UserError({
    at: folder,
    problem: `has no ${SINGLE} and no ${INDEX}.`,
    remedy: 'Name a folder with a whole Hugging Face model.',
  })
}

function shardFiles(folder: string): string[] {
  const at = join(folder, INDEX)
  const shards = shardNames(readJson(at, { remedy: REFETCH }), at)
  const missing = shards.find((shard) => !existsSync(join(folder, shard)))
  if (missing) {
    throw new UserError({ at, problem: `names the shard ${missing}, which is not in the folder.`, remedy: 'Fetch it.' })
  }
  return shards.map((shard) => join(folder, shard))
}

/**
 * Returns the distinct files of a `model.safetensors.index.json`, sorted.
 * @throws UserError where it has no weight_map, or one that leads out of the folder.
 */
export function shardNames(index: unknown, at: string): string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map
  const names = typeof map === 'object' && map !== null ? [...new Set<unknown>(Object.values(map))] : []
  if (names.length === 0) throw new UserError({ at, problem: 'has no weight_map from tensor to file.' })
  for (const name of names) {
    if (typeof name !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(name)) {
      throw new UserError({
        at,
        problem: `names the shard ${shortened(JSON.stringify(name))}, which is not a .safetensors file of this folder.`,
      })
    }
  }
  return (names as string[]).sort()
}
