import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import tf from '../../tensor/tf.cjs'

/**
 * Returns the bytes that the system can still allocate. On Linux that includes memory that it would free from its
 * caches.
 */
export function systemAvailable(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
    return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024
  } catch {
    return freemem()
  }
}

/** Returns the peak resident bytes of this process so far, without the memory of a GPU. */
export const peakMemory = (): number => process.resourceUsage().maxRSS * 1024

/** Returns the memory that a training run used, as its result and its plan list it. */
export function memoryTaken(): { peak_memory_bytes: number; gpu_memory_bytes?: number } {
  const gpu = gpuMemory()
  return { peak_memory_bytes: peakMemory(), ...(gpu !== undefined && { gpu_memory_bytes: gpu }) }
}

/**
 * Returns the bytes of the GPU's memory that tfjs has allocated, on `webgpu`. tfjs keeps what it frees for later
 * tensors, so this is also the peak so far. Undefined on other engines: TensorFlow does not report it.
 */
export function gpuMemory(): number | undefined {
  if (tf.getBackend() !== 'webgpu') return undefined
  return (tf.memory() as tf.MemoryInfo & { numBytesAllocatedInGPU: number }).numBytesAllocatedInGPU
}
