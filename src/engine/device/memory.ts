import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import tf from '../../tensor/tf.cjs'

/** Bytes that the system can still give. Linux counts in what it would give back from its caches. */
export function systemAvailable(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
    return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024
  } catch {
    return freemem()
  }
}

/** Most bytes that this process had resident so far; the memory of a GPU is no part of it. */
export const peakMemory = (): number => process.resourceUsage().maxRSS * 1024

/** The memory that a training took, as its result and its plan have it. */
export function memoryTaken(): { peak_memory_bytes: number; gpu_memory_bytes?: number } {
  const gpu = gpuMemory()
  return { peak_memory_bytes: peakMemory(), ...(gpu !== undefined && { gpu_memory_bytes: gpu }) }
}

/**
 * Bytes of the GPU's memory that tfjs has taken, on `webgpu`, which keeps what it frees for later tensors: so this is also
 * the most so far. Undefined on other engines: TensorFlow does not say it.
 */
export function gpuMemory(): number | undefined {
  if (tf.getBackend() !== 'webgpu') return undefined
  return (tf.memory() as tf.MemoryInfo & { numBytesAllocatedInGPU: number }).numBytesAllocatedInGPU
}
