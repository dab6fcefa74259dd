import type { BackboneConfig } from '../backbone/registry.js'
import type { EngineName, Mode, Precision } from '../base/choices.js'
import type { MethodOptions } from '../method/options.js'

/** The steps that a benchmark measures. */
export interface BenchedSteps {
  batchSize: number
  sourceLength: number
  targetLength: number
  precision: Precision
  mode: Mode | 'auto'
  engine: EngineName | 'auto'
}

/** One process's part of a benchmark: a method on a backbone, at one shape. */
export interface Trial extends BenchedSteps {
  config: BackboneConfig
  options: MethodOptions
  /** CPU threads that compute. */
  threads: number
  /** Steps that are timed, after `WARM_UP_STEPS` that are not. */
  steps: number
  /** Whether one more step is taken op by op, to show where its time goes. */
  profile: boolean
}

/** The first step captures graphs or builds its kernels; the second is the first with all memory in place. */
export const WARM_UP_STEPS = 2

/** The same for both sides; the time of a step does not depend on it. */
export const LEARNING_RATE = 1e-4
export const GRADIENT_CLIP_NORM = 1
export const SEED = 42

/** What a process measured. */
export interface Measured {
  device: string
  mode: Mode
  trainedParameters: number
  /** Milliseconds of each timed step. */
  times: number[]
  /** From the start of the process to the end of its first step, in ms. */
  firstStep: number
  /** Peak resident bytes of the process. */
  peakBytes: number
  /** Bytes of the GPU's memory, on `webgpu`. */
  gpuBytes?: number
  profile?: KernelTotal[]
}

/** All calls of a kernel in one step. */
export interface KernelTotal {
  kernel: string
  calls: number
  ms: number
}
