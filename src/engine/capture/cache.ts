import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeAtomically } from '../../base/files/atomic.js'
import { ownCache } from '../../base/files/cache_folder.js'
import { readBytes } from '../../base/files/read.js'
import { methodOf } from '../../method/registry.js'
import tf from '../../tensor/tf.cjs'
import { loadedTensorflow } from '../device/tensorflow.js'
import type { Values } from '../graph/tensor.js'
import type { Blueprint } from '../model/model.js'
import type { Captured } from './capture.js'

/** Increases when the layout of a file, or the inputs or names of a graph change. */
const FORMAT = 4
const ENDING = '.graph'
const DIGEST_BYTES = 32
/** Larger graphs are captured anew each time. */
const LARGEST_FILE = 8 * 2 ** 20
/** Graphs are removed if all together exceed this many bytes, least recently used first. */
const CACHE_LIMIT = 256 * 2 ** 20
/** The age of files that a killed process has left half-written. */
const ABANDONED_MS = 24 * 3600 * 1000

/** Undefined where other users could have put their own graphs, which TensorFlow would run. */
function graphCacheFolder(): string | undefined {
  try {
    return ownCache('graphs')
  } catch {
    return undefined
  }
}

export interface GraphCacheOptions {
  folder?: string | undefined
  /** The most bytes that all graphs in the folder may take. */
  limit?: number
}

/**
 * Returns the graph that `capture` makes for `what` (kind, shape, options: everything that it depends on besides the
 * blueprint): from the user's cache folder, or captured and put there. A damaged file is captured anew; where nothing
 * can be written, or other users can write too, nothing is kept.
 */
export function cachedCapture(
  blueprint: Blueprint,
  what: Record<string, unknown>,
  capture: () => Captured,
  { folder = graphCacheFolder(), limit = CACHE_LIMIT }: GraphCacheOptions = {},
): Captured & { cached: boolean } {
  // the key says nothing about the code of a method that is not in the registry
  if (!folder || blueprint.method !== methodOf(blueprint.options)) return { ...capture(), cached: false }
  const file = join(folder, keyOf(blueprint, what) + ENDING)
  const known = read(file)
  if (known) return { ...known, cached: true }
  const captured = capture()
  keep(file, captured, limit)
  return { ...captured, cached: false }
}

function keyOf({ config, options }: Blueprint, what: Record<string, unknown>): string {
  const { version, gpu } = loadedTensorflow()!
  const versions = { format: FORMAT, code: codeDigest(), tfjs: tf.version_core, tensorflow: version, gpu }
  return createHash('sha256').update(JSON.stringify({ config, options, what, versions })).digest('hex')
}

let code: string | undefined

/**
 * Returns a digest of the parts of this program's code that a graph comes from: the version number does not change when
 * a checkout is edited.
 */
function codeDigest(): string {
  code ??= digestOf(fileURLToPath(new URL('../..', import.meta.url)))
  return code
}

function digestOf(root: string): string {
  const hash = createHash('sha256')
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  for (const name of names.filter((name) => /\.c?[jt]s$/.test(name)).sort())
    hash.update(`\0${name}\0`).update(readBytes(join(root, name)))
  return hash.digest('hex')
}

interface Head {
  dropoutPlaces: string[]
  /** Bytes of the GraphDef, which comes first. */
  definition: number
  large: { name: string; shape: number[]; type: 'float32' | 'int32'; bytes: number }[]
}

/**
 * Returns the SHA-256 of the rest; the length of the head, uint32; the head, JSON; the GraphDef; the large constants.
 */
function encoded({ definition, dropoutPlaces, large }: Captured): Buffer {
  const bytesOf = ({ data }: Values) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const head: Head = {
    dropoutPlaces,
    definition: definition.length,
    large: [...large].map(([name, { shape, data }]) => ({
      ...{ name, shape, bytes: data.byteLength },
      type: data instanceof Int32Array ? 'int32' : 'float32',
    })),
  }
  const json = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  const body = Buffer.concat([length, json, definition, ...[...large.values()].map(bytesOf)])
  return Buffer.concat([createHash('sha256').update(body).digest(), body])
}

/** Undefined where the file is missing, or is not what was written. */
function read(file: string): Captured | undefined {
  let bytes: Buffer
  try {
    bytes = readBytes(file)
    utimesSync(file, new Date(), new Date()) // the least recently used are removed first
  } catch {
    return undefined
  }
  const body = bytes.subarray(DIGEST_BYTES)
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(0, DIGEST_BYTES))) return undefined
  const end = 4 + body.readUInt32LE(0)
  const head = JSON.parse(body.toString('utf8', 4, end)) as Head
  let at = end + head.definition
  const large = new Map<string, Values>()
  for (const { name, shape, type, bytes } of head.large) {
    const data = Uint8Array.from(body.subarray(at, at + bytes)).buffer
    large.set(name, { shape, data: type === 'int32' ? new Int32Array(data) : new Float32Array(data) })
    at += bytes
  }
  return {
    definition: body.subarray(end, end + head.definition),
    dropoutPlaces: head.dropoutPlaces,
    large,
    made: new Map(),
  }
}

function keep(file: string, captured: Captured, limit: number): void {
  const large = [...captured.large.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
  // a file cannot hold how values are made
  if (captured.definition.length + large > LARGEST_FILE || captured.made.size > 0) return
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeAtomically(file, encoded(captured))
    trim(dirname(file), limit)
  } catch {} // without a cache the next run captures again, nothing else
}

/** Another process may remove the same files, or read one that disappears: both are harmless. */
function trim(folder: string, limit: number): void {
  const files = readdirSync(folder).flatMap((name) => {
    const stats = statSync(join(folder, name), { throwIfNoEntry: false })
    return stats ? [{ path: join(folder, name), size: stats.size, usedMs: stats.mtimeMs }] : []
  })
  const isGraph = ({ path }: { path: string }) => path.endsWith(ENDING)
  for (const file of files)
    if (!isGraph(file) && Date.now() - file.usedMs > ABANDONED_MS) rmSync(file.path, { force: true })
  let total = 0
  for (const { path, size } of files.filter(isGraph).sort((a, b) => b.usedMs - a.usedMs)) {
    total += size
    if (total > limit) rmSync(path, { force: true })
  }
}
