import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { transposeBeforeProducts } from './wasm_products.js'

const require = createRequire(import.meta.url)

/**
 * Registers the tfjs backend `wasm`, with its binary from the npm package, and returns the package's version. It uses
 * SIMD and one thread: tfjs 4.22 turns threads off in Node (tfjs issue 3830). Turned on by its flag
 * WASM_HAS_MULTITHREAD_SUPPORT, they fail on Node 20 with ERR_WORKER_PATH: worker_threads accepts no blob: address.
 */
export async function loadWasm(): Promise<string> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
  transposeBeforeProducts()
  return wasm.version_wasm
}
