import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { cacheFolder } from '../../cache_folder.js'
import { readJsonFile } from '../../json_file.js'
import { packageRoot } from '../../root.js'

const require = createRequire(import.meta.url)

const engineRecord = z.object({
  tfjs: z.string().describe('Version of tfjs-node that the addon was made for.'),
  tensorflow: z.string().describe('Version of TensorFlow, as the library itself gives it.'),
  origin: z.string().describe("In words, for a person: 'the pip wheel tensorflow-cpu 2.21.0'."),
  cuda: z.boolean().describe('Whether the library was built for CUDA.'),
  addon: z.string().describe('The addon, relative to the folder.'),
  loader: z
    .string()
    .optional()
    .describe(
      "Our own small addon that quiets TensorFlow's log and opens CUDA's libraries; only beside the wheel's library.",
    ),
  files: z
    .record(z.string(), z.number())
    .describe('Size in bytes of every library: a folder cut short is not an engine.'),
})
/** What engine.json says of the addon beside it. */
export type EngineRecord = z.infer<typeof engineRecord>

export interface InstalledEngine {
  folder: string
  record: EngineRecord
}

export const enginesFolder = (): string => join(cacheFolder(), 'engines')

/**
 * tfjs-node's kernels and the sources of its binding: what the build copied, or in a clone without one the npm package.
 * @throws Error where neither is there, as in a clone whose packages were installed without those for development.
 */
export function tfjsNode(): { folder: string; version: string } {
  const copied = join(packageRoot, 'dist', 'tfjs-node', 'package.json')
  const manifest = existsSync(copied) ? copied : require.resolve('@tensorflow/tfjs-node-gpu/package.json')
  return { folder: dirname(manifest), version: (require(manifest) as { version: string }).version }
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
  const prefix = engineFolderPrefix(tfjsNode().version)
  return listFolder(enginesFolder())
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => readEngine(join(enginesFolder(), name)) ?? [])
    .sort(
      (a, b) =>
        Number(b.record.cuda) - Number(a.record.cuda) ||
        b.record.tensorflow.localeCompare(a.record.tensorflow, 'en', { numeric: true }),
    )
}

function readEngine(folder: string): InstalledEngine | undefined {
  try {
    const record = readJsonFile(join(folder, 'engine.json'), engineRecord)
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
