import { statSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import { hashFiles } from '../../base/files/hash.js'
import { openSafetensors, type SafetensorsFile } from '../../base/safetensors/safetensors.js'
import { type BackboneConfig, backboneTensors, familyOf, isEncoder } from '../registry.js'
import { readConfig } from './preset.js'
import { type StoredTensor, sameValues } from './stored.js'
import { tokenizerFileIn } from './vocabulary/tokenizer_files.js'
import { findWeights } from './weight_files.js'

export interface BackboneFiles {
  folder: string
  config: BackboneConfig
  /** `tokenizer.json`, or the vocabulary that its content is made of where a folder has that alone. */
  tokenizerFile: string
  /** `model.safetensors`, or the shards that `model.safetensors.index.json` names, sorted. */
  weightFiles: string[]
}

export interface Backbone extends BackboneFiles {
  /** Returns Hugging Face names, in the model's order; `lm_head.weight` only if the head has its own matrix. */
  names(): string[]
  shape(name: string): number[]
  /** Reads one tensor as float32 from the disk. */
  read(name: string): Float32Array
  /** Reads a tensor that is not the backbone's, such as a head's; undefined where the files lack it in this shape. */
  readOther(name: string, shape: readonly number[]): Float32Array | undefined
  /** Returns the SHA-256 of the weight files, one after the other, in hexadecimal. */
  hash(): string
  close(): void
}

/**
 * Opens a Hugging Face folder and checks that its files hold the model that config.json describes; tensors are read
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
    const tensors = backboneTensors(files.config)
    return {
      ...files,
      names: () => [...tensors.keys()],
      shape: (name) => tensors.get(name)?.shape ?? unknownTensor(folder, name),
      read: (name) => {
        const { file, name: stored } = where.get(name) ?? unknownTensor(folder, name)
        return file.read(stored)
      },
      readOther(name, shape) {
        const file = opened.find(({ entries }) => entries.get(name)?.shape.join() === shape.join())
        return file?.read(name)
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
    throw new UserError({ at: folder, problem: 'no such folder.', remedy: 'Name a folder with a Hugging Face model.' })
  }
  const config = readConfig(folder)
  const tokenizerFile = tokenizerFileIn(folder)
  if (tokenizerFile === undefined) {
    throw new UserError({
      at: folder,
      problem: 'has no tokenizer.json.',
      remedy: "Make it in Python: AutoTokenizer.from_pretrained('FOLDER').save_pretrained('FOLDER').",
    })
  }
  return { folder, config, tokenizerFile, weightFiles: findWeights(folder, { encoder: isEncoder(config) }) }
}

/** Finds each of the model's tensors, after every check that the headers allow. */
function locateTensors({ folder, config }: BackboneFiles, opened: SafetensorsFile[]): Map<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>()
  for (const file of opened) {
    for (const name of file.entries.keys()) {
      const twice = stored.get(name)
      if (twice) throw new UserError({ at: file.path, problem: `has tensor ${name}, as ${twice.file.path} has.` })
      stored.set(name, { file, name })
    }
  }
  const places = new Map<string, StoredTensor>()
  for (const [name, { shape, aliases = [] }] of backboneTensors(config)) {
    const place = [name, ...aliases].map((each) => stored.get(each)).find(Boolean)
    if (!place) {
      const at = opened.length === 1 ? opened[0]!.path : folder
      throw new UserError({ at, problem: `has no tensor ${name}.`, remedy: 'Take all files from the same model.' })
    }
    checkShape(place, shape)
    places.set(name, place)
  }
  checkRest(stored, places, config)
  return places
}

function checkShape({ file, name }: StoredTensor, shape: number[]): void {
  const found = file.entries.get(name)!.shape
  if (found.join() === shape.join()) return
  throw new UserError({
    at: file.path,
    problem: `tensor ${name} has shape [${found.join(', ')}]; config.json says [${shape.join(', ')}].`,
    remedy: 'Take config.json and weights from the same model.',
  })
}

/** Refuses a tensor that the model does not use, unless it is a copy of one that it uses or known to be left over. */
function checkRest(stored: Map<string, StoredTensor>, places: Map<string, StoredTensor>, config: BackboneConfig): void {
  const used = new Set(places.values())
  const family = familyOf(config)
  const copied = new Map(
    [...backboneTensors(config)].flatMap(([name, { aliases = [] }]) => aliases.map((alias) => [alias, name] as const)),
  )
  for (const [name, place] of stored) {
    if (used.has(place) || family.ignores(name)) continue
    const of = copied.get(name)
    if (of === undefined) {
      throw new UserError({
        at: place.file.path,
        problem: `has tensor ${name}, which a model of this config.json does not have.`,
        remedy: 'Take config.json and weights from the same model.',
      })
    }
    if (!sameValues(place, places.get(of)!)) {
      const problem = `tensor ${name} differs from ${of}; in this model they are one.`
      throw new UserError({ at: place.file.path, problem })
    }
  }
}

function unknownTensor(folder: string, name: string): never {
  throw new Error(`${folder} has no tensor ${name}`)
}
