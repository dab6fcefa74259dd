import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { cacheFolder } from '../../../base/files/cache_folder.js'
import { readJsonFile } from '../../../base/files/json_file.js'
import { whoElseCanWrite } from '../../../base/files/own_folder.js'
import { packageRoot } from '../../../base/root.js'

const require = createRequire(import.meta.url)

/** A file of the engine, relative to its folder. */
const inside = z.string().refine((path) => !isAbsolute(path) && !path.split(/[\\/]/).includes('..'))

const engineRecord = z.object({
  tfjs: z.string().describe('Version of tfjs-node that the addon was made for.'),
  tensorflow: z.string().describe('Version of TensorFlow, as the library itself gives it.'),
  origin: z.string().describe("In words, for a person: 'the pip wheel tensorflow-cpu 2.21.0'."),
  cuda: z.boolean().describe('Whether the library was built for CUDA.'),
  files: z
    .record(inside, z.number())
    .describe('Size in bytes of every addon and library: a folder cut short is not an engine.'),
  sha256: z
    .record(inside, z.string().regex(/^[0-9a-f]{64}$/))
    .optional()
    .describe('Of the same files. Older versions did not write it.'),
})
/** What engine.json says of its folder. */
export type EngineRecord = z.infer<typeof engineRecord>

export interface InstalledEngine {
  folder: string
  record: EngineRecord
}

export const enginesFolder = (): string => join(cacheFolder(), 'engines')

/**
 * Returns tfjs-node's kernels and the sources of its binding: what the build copied, or in a clone without a build the
 * npm package.
 * @throws Error where neither exists, as in a clone whose packages were installed without those for development.
 */
export function tfjsNode(): { folder: string; version: string } {
  const copied = join(packageRoot, 'dist', 'tfjs-node', 'package.json')
  const manifest = existsSync(copied) ? copied : require.resolve('@tensorflow/tfjs-node-gpu/package.json')
  return { folder: dirname(manifest), version: (require(manifest) as { version: string }).version }
}

/** The binding asks for version 8 at most, which every later Node supports. */
export const NAPI_VERSION = Math.min(8, Number(process.versions.napi))

/**
 * Increases when what we build next to the library changes, so that no checkout loads an addon that it does not know.
 */
const RECIPE = 1

/** Returns the beginning of the folder's name: an addon of another tfjs, platform or Node-API can't load here. */
export const engineFolderPrefix = (tfjs: string): string =>
  `v${RECIPE}-tfjs-${tfjs}-${process.platform}-${process.arch}-napi${NAPI_VERSION}-`

export interface FoundEngines {
  /** Engines with CUDA first, then the newest TensorFlow. */
  usable: InstalledEngine[]
  /** Engines that must not be loaded, and why. */
  refused: { folder: string; reason: string }[]
}

/** Returns the complete engines of this tfjs, platform and Node in the user's cache. */
export const installedEngines = (): InstalledEngine[] => findEngines().usable

/**
 * Finds all engines of this tfjs, platform and Node in the user's cache. Their hashes are compared when one is loaded.
 */
export function findEngines(): FoundEngines {
  const found: FoundEngines = { usable: [], refused: [] }
  for (const folder of engineFolders()) {
    const record = readRecord(folder)
    const reason = record ? refusal(folder, record) : 'its engine.json is missing or damaged'
    if (record && !reason) found.usable.push({ folder, record })
    else found.refused.push({ folder, reason: reason! })
  }
  found.usable.sort(
    (a, b) =>
      Number(b.record.cuda) - Number(a.record.cuda) ||
      b.record.tensorflow.localeCompare(a.record.tensorflow, 'en', { numeric: true }),
  )
  return found
}

/** Returns the folders whose names begin with `engineFolderPrefix`, whatever is in them. */
export function engineFolders(): string[] {
  const prefix = engineFolderPrefix(tfjsNode().version)
  try {
    const names = readdirSync(enginesFolder()).filter((name) => name.startsWith(prefix))
    return names.map((name) => join(enginesFolder(), name))
  } catch {
    return [] // nothing was set up
  }
}

export function readRecord(folder: string): EngineRecord | undefined {
  try {
    return readJsonFile(join(folder, 'engine.json'), engineRecord)
  } catch {
    return undefined
  }
}

function refusal(folder: string, record: EngineRecord): string | undefined {
  const damage = damageOf(folder, record) ?? strangerAt(folder, record.files)
  return damage ?? (record.sha256 ? undefined : 'an older version set it up, which recorded no hashes')
}

/** Says what a set-up that was cut short, or a copy, lacks. */
export function damageOf(folder: string, { files }: EngineRecord): string | undefined {
  for (const [file, size] of Object.entries(files)) {
    const found = statSync(join(folder, file), { throwIfNoEntry: false })?.size
    if (found !== size) return `${file} ${found === undefined ? 'is missing' : `has ${found} bytes of ${size}`}`
  }
  return undefined
}

/** Says who else could have written what would run here as this user's code, and what to do about it. */
export function strangerAt(folder: string, files: EngineRecord['files'] = {}): string | undefined {
  for (const file of ['engine.json', ...Object.keys(files)]) {
    const found = whoElseCanWrite(join(folder, file))
    if (found) return `${found}: take that right away, or set COMPACTER_CACHE to a folder of your own`
  }
  return undefined
}
