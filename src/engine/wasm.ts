import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { transposeBeforeProducts } from './wasm_products.js'

const require = createRequire(import.meta.url)

/** Registers the tfjs backend `wasm`, with its binary from the npm package. @returns the package's version. */
export async function loadWasm(): Promise<string> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
  transposeBeforeProducts()
  return wasm.version_wasm
}
