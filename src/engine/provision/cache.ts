import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cacheFolder } from '../../cache_folder.js'
import { packageRoot } from '../../root.js'

const require = createRequire(import.meta.url)

/** What a user types to set the engine up: in a clone npm's script, which also installs and builds. */
export const SETUP_COMMAND = packageRoot.includes('node_modules') ? 'npx compacter setup' : 'npm run setup'

/** What engine.json says of the addon beside it. */
export interface EngineRecord {
  /** Version of tfjs-node that the addon was made for. */
  tfjs: string
  /** Version of TensorFlow, as the library itself gives it. */
  tensorflow: string
  /** In words, for a person: 'the pip wheel tensorflow-cpu 2.21.0'. */
  origin: string
  /** Whether the library was built for CUDA. */
  cuda: boolean
  /** The addon, relative to the folder. */
  addon: string
  /** Our own small addon that quiets TensorFlow's log and opens CUDA's libraries; only beside the wheel's library. */
  loader?: string
  /** Size in bytes of every library: a folder cut short is not an engine. */
  files: Record<string, number>
}

export interface InstalledEngine {
  folder: string
  record: EngineRecord
}

export const enginesFolder = (): string => join(cacheFolder(), 'engines')

/** The installed tfjs-node-gpu, undefined where npm could not install it. */
export function tfjsNode(): { folder: string; version: string } | undefined {
  try {
    const manifest = require.resolve('@tensorflow/tfjs-node-gpu/package.json')
    return { folder: dirname(manifest), version: (require(manifest) as { version: string }).version }
  } catch {
    return undefined
  }
}

/** The binding asks for version 8 at most, which every later Node keeps. */
export const NAPI_VERSION = Math.min(8, Number(process.versions.napi))

/** Goes up when what we build beside the library changes, so that no checkout loads an addon that it does not know. */
const RECIPE = 1

/** An addon of another tfjs, platform or Node-API can't load here, so all three are in the folder's name. */
export const engineFolderPrefix = (tfjs: string): string =>
  `v${RECIPE}-tfjs-${tfjs}-${process.platform}-${process.arch}-napi${NAPI_VERSION}-`

/** The complete engines of this tfjs, platform and Node: CUDA ones first, then the newest TensorFlow. */
export function installedEngines(): InstalledEngine[] {
  const tfjs = tfjsNode()
  if (!tfjs) return []
  const cached = listFolder(enginesFolder())
    .filter((name) => name.startsWith(engineFolderPrefix(tfjs.version)))
    .flatMap((name) => readEngine(join(enginesFolder(), name)) ?? [])
    .sort(
      (a, b) =>
        Number(b.record.cuda) - Number(a.record.cuda) ||
        b.record.tensorflow.localeCompare(a.record.tensorflow, 'en', { numeric: true }),
    )
  return [...cached, ...builtInPackage(tfjs)]
}

/** What npm built inside the package itself, where install scripts are allowed and could download. */
function builtInPackage({ folder, version }: { folder: string; version: string }): InstalledEngine[] {
  const addon = `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`
  const size = statSync(join(folder, addon), { throwIfNoEntry: false })?.size
  if (size === undefined) return []
  const origin = "tfjs-node's own install script"
  return [
    { folder, record: { tfjs: version, tensorflow: '2.9.1', origin, cuda: true, addon, files: { [addon]: size } } },
  ]
}

function readEngine(folder: string): InstalledEngine | undefined {
  try {
    const record = JSON.parse(readFileSync(join(folder, 'engine.json'), 'utf8')) as EngineRecord
    const whole = Object.entries(record.files).every(([file, size]) => statSync(join(folder, file)).size === size)
    return whole ? { folder, record } : undefined
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
