import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import tf from '../../tensor/tf.cjs'
import { runProgram } from './provision/process.js'

const require = createRequire(import.meta.url)

export interface Adapter {
  /** As the driver names it: 'nvidia-h100-80gb-hbm3', 'SwiftShader driver 5.0.0'. */
  name: string
  /** A CPU that plays a GPU: correct, and slower than the wasm engine. */
  software: boolean
}

const NO_ADAPTER = 'no graphics driver (Vulkan, Metal or Direct3D 12) was found'

const PROBE = `
const { create } = await import(process.argv[1])
const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' })
const { vendor, architecture, device, description, isFallbackAdapter } = adapter?.info ?? {}
console.log(JSON.stringify(adapter && { vendor, architecture, device, description, isFallbackAdapter }))`

/**
 * The adapter that WebGPU would take, asked in a process of its own: drivers print and crash as they please.
 * @throws Error if the package or a driver (Vulkan, Metal, Direct3D 12) is missing.
 */
export async function probeAdapter(): Promise<Adapter> {
  const dawn = pathToFileURL(require.resolve('webgpu')).href
  const { stdout } = await runProgram(process.execPath, ['--input-type=module', '-e', PROBE, dawn])
  const info = JSON.parse(stdout) as (Record<string, string> & { isFallbackAdapter: boolean }) | null
  if (!info) throw new Error(NO_ADAPTER)
  const { vendor, architecture, device, description } = info
  // Drivers that have no name for the device give its number; NVIDIA's description is the driver's version.
  const named = device?.startsWith('0x') ? undefined : device
  const name = named || description || device || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter'
  const known = /swiftshader|llvmpipe|lavapipe|basic render/i
  return { name, software: info.isFallbackAdapter || known.test(`${name} ${device} ${architecture}`) }
}

/** Registers the tfjs backend `webgpu` on Dawn, whose binary is inside the npm package `webgpu`. */
export async function loadWebgpu(): Promise<void> {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  // tfjs asks navigator.gpu for its adapter; Node's navigator has none.
  const navigator = (globalThis as { navigator?: object }).navigator ?? {}
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true })
  Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true })
  await import('@tensorflow/tfjs-backend-webgpu')
  // Small tensors would be computed by tfjs's cpu backend, which is not loaded.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
}
