import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

/** The addon of tfjs-node, compiled by us or prebuilt, and what it needs to load. Stored as engine.json beside it. */
export interface EngineRecord {
  tfjs: string
  tensorflow: string
  /** In words, for a person: 'the pip wheel tensorflow-cpu 2.21.0'. */
  origin: string
  cuda: boolean
  /** Every other file of the folder that matters, by its size in bytes: a folder cut short is not an engine. */
  files: Record<string, number>
  /** Libraries to load before the addon, in order: CUDA's, which lie beside ours and not on the loader's path. */
  preload: string[]
}

export interface InstalledEngine {
  folder: string
  addon: string
  record: EngineRecord
}

/** The user's cache folder of this program, shared by every checkout: COMPACTER_CACHE, or the platform's own place. */
export function cacheFolder(env = process.env): string {
  if (env.COMPACTER_CACHE) return env.COMPACTER_CACHE
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'compacter')
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'compacter')
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'compacter')
}

/** The version of the tfjs-node-gpu package here, undefined where npm could not install it. */
export function tfjsNodeVersion(): string | undefined {
  try {
    return (require('@tensorflow/tfjs-node-gpu/package.json') as { version: string }).version
  } catch {
    return undefined
  }
}

/** Addons of another tfjs, platform or Node-API can't load here, so all three are in the folder's name. */
export const engineFolderPrefix = (tfjs: string): string =>
  `tfjs-${tfjs}-${process.platform}-${process.arch}-napi${napiVersion()}-`

/** The binding asks for at most version 8, and Node keeps older ones working. */
export const napiVersion = (): number => Math.min(8, Number(process.versions.napi))

export const enginesFolder = (): string => join(cacheFolder(), 'engines')

/** Complete engines that fit this tfjs, platform and Node; CUDA ones first, then the newest TensorFlow. */
export function installedEngines(): InstalledEngine[] {
  const tfjs = tfjsNodeVersion()
  if (tfjs === undefined) return []
  return listFolder(enginesFolder())
    .filter((name) => name.startsWith(engineFolderPrefix(tfjs)))
    .flatMap((name) => readEngine(join(enginesFolder(), name)) ?? [])
    .sort(
      (a, b) =>
        Number(b.record.cuda) - Number(a.record.cuda) ||
        b.record.tensorflow.localeCompare(a.record.tensorflow, 'en', { numeric: true }),
    )
}

function readEngine(folder: string): InstalledEngine | undefined {
  try {
    const record = JSON.parse(readFileSync(join(folder, 'engine.json'), 'utf8')) as EngineRecord
    const whole = Object.entries(record.files).every(([file, size]) => statSync(join(folder, file)).size === size)
    return whole ? { folder, addon: join(folder, 'tfjs_binding.node'), record } : undefined
  } catch {
    return undefined
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
