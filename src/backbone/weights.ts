import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../error.js'
import { readJson } from '../json_file.js'
import { openSafetensors, type SafetensorsFile } from '../safetensors.js'
import type { T5Config } from './config.js'
import { hashFiles } from './hash.js'
import { REFETCH, readT5Config } from './preset.js'
import { aliases, backboneTensors, ignoredTensors } from './tensors.js'

export { backboneTensors } from './tensors.js'

export interface BackboneFiles {
  folder: string
  config: T5Config
  tokenizerFile: string
  /** `model.safetensors`, or the shards that `model.safetensors.index.json` names, sorted. */
  weightFiles: string[]
}

export interface Backbone extends BackboneFiles {
  /** Hugging Face names, in the model's order; `lm_head.weight` only where the head is its own. */
  names(): string[]
  shape(name: string): number[]
  /** One tensor as float32, read from disk now. */
  read(name: string): Float32Array
  /** SHA-256 of the weight files, one after the other, in hexadecimal. */
  hash(): string
  close(): void
}

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const CONVERT =
  "Convert it in Python: T5ForConditionalGeneration.from_pretrained('FOLDER').save_pretrained('NEW_FOLDER')."

/**
 * Opens a Hugging Face T5 folder and checks that its files hold the model that config.json describes; tensors are read
 * one by one when asked for.
 * @throws UserError naming file and tensor: a missing file, shard or tensor, another shape, one tensor too many, a head
 * that config.json and the weights disagree about.
 */
export function openBackbone(folder: string): Backbone {
  const files = findFiles(folder)
  const opened: SafetensorsFile[] = []
  const close = () => {
    for (const file of opened.splice(0)) file.close()
  }
  try {
    for (const file of files.weightFiles) opened.push(openSafetensors(file))
    const where = locateTensors(files, opened)
    const shapes = backboneTensors(files.config)
    return {
      ...files,
      names: () => [...shapes.keys()],
      shape: (name) => shapes.get(name) ?? unknownTensor(folder, name),
      read: (name) => {
        const { file, stored } = where.get(name) ?? unknownTensor(folder, name)
        return file.read(stored)
      },
      hash: () => hashFiles(files.weightFiles),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

function findFiles(folder: string): BackboneFiles {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError({ at: folder, problem: 'no such folder.', remedy: 'Name a folder with a Hugging Face T5.' })
  }
  const config = readT5Config(folder)
  const tokenizerFile = join(folder, 'tokenizer.json')
  if (!existsSync(tokenizerFile)) {
    throw new UserError({
      at: folder,
      problem: 'has no tokenizer.json.',
      remedy: "Make it in Python: AutoTokenizer.from_pretrained('FOLDER').save_pretrained('FOLDER').",
    })
  }
  return { folder, config, tokenizerFile, weightFiles: findWeights(folder) }
}

function findWeights(folder: string): string[] {
  if (existsSync(join(folder, SINGLE))) return [join(folder, SINGLE)]
  if (existsSync(join(folder, INDEX))) return shardFiles(folder)
  const other = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'tf_model.h5', 'flax_model.msgpack'].find(
    (name) => existsSync(join(folder, name)),
  )
  if (other) throw new UserError({ at: folder, problem: `has ${other}, but no ${SINGLE}.`, remedy: CONVERT })
  throw new UserError({
    at: folder,
    problem: `has no ${SINGLE} and no ${INDEX}.`,
    remedy: 'Name a folder with a whole Hugging Face T5.',
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
 * The distinct files of a `model.safetensors.index.json`, sorted.
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
        problem: `names the shard ${JSON.stringify(name)}, which is not a .safetensors file of this folder.`,
      })
    }
  }
  return (names as string[]).sort()
}

interface Place {
  file: SafetensorsFile
  stored: string
}

/** Where each of the model's tensors lies, after every check that the headers allow. */
function locateTensors({ folder, config }: BackboneFiles, opened: SafetensorsFile[]): Map<string, Place> {
  const stored = new Map<string, Place>()
  for (const file of opened) {
    for (const name of file.entries.keys()) {
      const twice = stored.get(name)
      if (twice) throw new UserError({ at: file.path, problem: `has tensor ${name}, as ${twice.file.path} has.` })
      stored.set(name, { file, stored: name })
    }
  }
  const places = new Map<string, Place>()
  for (const [name, shape] of backboneTensors(config)) {
    const place = [name, ...aliases(name, config)].map((each) => stored.get(each)).find(Boolean)
    if (!place) throw missingTensor(opened.length === 1 ? opened[0]!.path : folder, name)
    checkShape(place, shape)
    places.set(name, place)
  }
  checkRest(stored, places, config)
  return places
}

function checkShape({ file, stored }: Place, shape: number[]): void {
  const found = file.entries.get(stored)!.shape
  if (found.join() === shape.join()) return
  throw new UserError({
    at: file.path,
    problem: `tensor ${stored} has shape [${found.join(', ')}]; config.json says [${shape.join(', ')}].`,
    remedy: 'Take config.json and weights from the same model.',
  })
}

function missingTensor(at: string, name: string): UserError {
  if (name !== 'lm_head.weight') {
    return new UserError({ at, problem: `has no tensor ${name}.`, remedy: 'Take all files from the same T5.' })
  }
  return new UserError({
    at,
    problem: 'has no tensor lm_head.weight, but config.json says that the head is its own.',
    remedy: 'If it is a T5 v1.0, remove scale_decoder_outputs and set tie_word_embeddings: true.',
  })
}

/** What the model does not use must be a copy of what it does, or known to be left over. */
function checkRest(stored: Map<string, Place>, places: Map<string, Place>, config: T5Config): void {
  const used = new Set(places.values())
  const shared = places.get('shared.weight')!
  const copies = new Set(aliases('shared.weight', config))
  for (const [name, place] of stored) {
    if (used.has(place) || ignoredTensors.has(name)) continue
    if (!copies.has(name)) {
      throw new UserError({
        at: place.file.path,
        problem: `has tensor ${name}, which a T5 of this config.json does not have.`,
        remedy: 'Take config.json and weights from the same model.',
      })
    }
    if (!sameValues(place, shared)) throw differs(place, name)
  }
}

function differs({ file }: Place, name: string): UserError {
  if (name !== 'lm_head.weight') {
    return new UserError({ at: file.path, problem: `tensor ${name} differs from shared.weight; a T5 has one table.` })
  }
  return new UserError({
    at: file.path,
    problem: 'tensor lm_head.weight differs from shared.weight, but config.json says that the head is tied to it.',
    remedy: 'If it is a T5 v1.1, set tie_word_embeddings and scale_decoder_outputs to false in config.json.',
  })
}

function sameValues(a: Place, b: Place): boolean {
  const [left, right] = [a.file.entries.get(a.stored)!, b.file.entries.get(b.stored)!]
  if (left.shape.join() !== right.shape.join()) return false
  if (left.dtype !== right.dtype) {
    const [x, y] = [a.file.read(a.stored), b.file.read(b.stored)]
    return x.every((value, i) => value === y[i])
  }
  const size = left.end - left.begin
  for (let offset = 0; offset < size; offset += 1 << 22) {
    const [x, y] = [Buffer.alloc(Math.min(1 << 22, size - offset)), Buffer.alloc(Math.min(1 << 22, size - offset))]
    a.file.readBytes(a.stored, offset, x)
    b.file.readBytes(b.stored, offset, y)
    if (!x.equals(y)) return false
  }
  return true
}

function unknownTensor(folder: string, name: string): never {
  throw new Error(`${folder} has no tensor ${name}`)
}
