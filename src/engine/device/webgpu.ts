import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import tf from '../../tensor/tf.cjs'
import { runProgram } from './provision/process.js'

const require = createRequire(import.meta.url)

export interface Adapter {
  /** The name from the driver: 'nvidia-h100-80gb-hbm3', 'SwiftShader driver 5.0.0'. */
  name: string
  /** Whether a CPU simulates a GPU: correct, but slower than the wasm engine. */
  software: boolean
}

const NO_ADAPTER = 'no graphics driver (Vulkan, Metal or Direct3D 12) was found'

const PROBE = `
const { create } = await import(process.argv[1])
const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' })
const { vendor, architecture, device, description, isFallbackAdapter } = adapter?.info ?? {}
console.log(JSON.stringify(adapter && { vendor, architecture, device, description, isFallbackAdapter }))`

/**
 * Returns the adapter that WebGPU would use. A process of its own asks for it, since drivers may print or crash.
 * @throws Error if the package or a driver (Vulkan, Metal, Direct3D 12) is missing.
 */
export async function probeAdapter(): Promise<Adapter> {
  const dawn = pathToFileURL(require.resolve('webgpu')).href
  const { stdout } = await runProgram(process.execPath, ['--input-type=module', '-e', PROBE, dawn])
  const info = JSON.parse(stdout) as (Record<string, string> & { isFallbackAdapter: boolean }) | null
  if (!info) throw new Error(NO_ADAPTER)
  const { vendor, architecture, device, description } = info
  // Drivers that have no name for the device report its number; NVIDIA's description is the driver's version.
  const named = device?.startsWith('0x') ? undefined : device
  const name = named || description || device || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter'
  const known = /swiftshader|llvmpipe|lavapipe|basic render/i
  return { name, software: info.isFallbackAdapter || known.test(`${name} ${device} ${architecture}`) }
}

/** Registers the tfjs backend `webgpu` on Dawn, whose binary is inside the npm package `webgpu`. */
export async function loadWebgpu(): Promise<void> {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  // tfjs asks navigator.gpu for its adapter, which Node's navigator lacks.
  const navigator = (globalThis as { navigator?: object }).navigator ?? {}
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true })
  Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true })
  await import('@tensorflow/tfjs-backend-webgpu')
  // Otherwise tfjs would compute small tensors with its cpu backend, which is not loaded.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
}
