import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'

export const STORED = join(packageRoot, 'test', 'fixtures', 'stored-runs')

/** The trained tensors at the end of the run, as the version that began it made them. */
export const EXPECTED = 'expected.safetensors'

/**
 * WebAssembly computes the same bits on every machine; a processor's own vector instructions group sums differently.
 */
export const DEVICE = { engine: 'wasm', threads: 2 } as const

/** The stored runs, and the method that each was made with. */
export const storedRuns: Record<string, string[]> = {
  compacter: ['method=compacter', 'method.placement={encoder_layers: 3-, decoder_layers: 3-}'],
  'prompt-tuning': ['method=prompt-tuning-t', 'method.length=7', 'training.optimizer=adafactor'],
}
