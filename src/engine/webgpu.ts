import * as tf from '@tensorflow/tfjs-core'

export interface Adapter {
  /** As the driver names it: 'llvmpipe (LLVM 15)', 'NVIDIA H100'. */
  name: string
  /** A CPU that plays a GPU: correct, and slower than the wasm engine. */
  software: boolean
}

let adapter: Adapter | undefined

/**
 * Registers the tfjs backend `webgpu` on Dawn, whose binary is inside the npm package `webgpu`.
 * @throws Error if the package or a driver (Vulkan, Metal, D3D12) is missing.
 */
export async function loadWebgpu(): Promise<Adapter> {
  if (adapter) return adapter
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  const gpu = create([])
  const found = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!found) throw new Error('no graphics driver (Vulkan, Metal or Direct3D 12) was found')
  // tfjs asks navigator.gpu for its adapter; Node's navigator has none.
  const navigator = (globalThis as { navigator?: object }).navigator ?? {}
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true })
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true })
  await import('@tensorflow/tfjs-backend-webgpu')
  const { vendor, architecture, device, description, isFallbackAdapter } = found.info
  adapter = {
    name: description || device || [vendor, architecture].filter(Boolean).join(' '),
    software:
      isFallbackAdapter ||
      /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${device} ${description} ${architecture}`),
  }
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  return adapter
}
