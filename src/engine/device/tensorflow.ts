import { createRequire } from 'node:module'
import { join } from 'node:path'
import util from 'node:util'
import type { Binding, NodeBackend } from '../../tensor/binding.js'
import tf from '../../tensor/tf.cjs'
import { findEngines, type InstalledEngine, tfjsNode } from './provision/cache.js'
import { loadAddon } from './provision/loader.js'

const require = createRequire(import.meta.url)

export interface LoadedTensorflow {
  engine: InstalledEngine
  /** The version of the loaded library, as it reports itself. */
  version: string
  gpu: boolean
}

let loaded: LoadedTensorflow | undefined

/** The loaded library; undefined before `loadTensorflow`. */
export const loadedTensorflow = (): LoadedTensorflow | undefined => loaded

/**
 * Registers the tfjs backend `tensorflow` on the first engine that loads. tfjs-node's index.js is not used: it looks
 * for the addon only inside node_modules.
 * @throws Error with the loader's message if no installed engine loads.
 */
export function loadTensorflow(threads: number): LoadedTensorflow {
  if (loaded) return loaded
  const { usable, refused } = findEngines()
  const failures = refused.map(({ folder, reason }) => `${folder}: ${reason}`)
  if (usable.length + failures.length === 0) throw new Error('the native engine is not set up')
  // TensorFlow reads these once, when it loads.
  process.env.TF_NUM_INTRAOP_THREADS = String(threads)
  process.env.TF_NUM_INTEROP_THREADS = '1'
  process.env.OMP_NUM_THREADS = String(threads)
  replaceLegacyNodeFunctions()
  for (const engine of usable) {
    try {
      loaded = register(engine)
      return loaded
    } catch (error) {
      failures.push(`${engine.folder}: ${(error as Error).message}`)
    }
  }
  throw new Error(failures.join('; '))
}

function register(engine: InstalledEngine): LoadedTensorflow {
  const binding = loadAddon(engine) as Binding
  const kernels = join(tfjsNode().folder, 'dist')
  const { NodeJSKernelBackend } = require(join(kernels, 'nodejs_kernel_backend.js')) as {
    NodeJSKernelBackend: new (binding: Binding, packageName: string) => NodeBackend
  }
  require(join(kernels, 'register_all_kernels.js'))
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu'))
  return { engine, version: binding.TF_Version, gpu: binding.isUsingGpuDevice() }
}

/**
 * tfjs-node 4.22 calls two functions of node:util that Node 22 warns about at their first call (DEP0044, DEP0051), and
 * one of which Node 23 removed. These do the same without a warning, on every Node.
 */
function replaceLegacyNodeFunctions(): void {
  const legacy = util as unknown as Record<string, unknown>
  legacy.isNullOrUndefined = (value: unknown) => value === null || value === undefined
  legacy.isArray = Array.isArray
}
