import { engines } from '../support/engines.js'

export const training = {
  steps: 30,
  batch_size: 4,
  warmup_steps: 4,
  evaluate_every: 10,
  checkpoint_every: 3,
  source_length: 32,
}

/**
 * wasm where there is no native engine: the promise of equal bits is for the native one, and holds on one thread of
 * wasm too.
 */
export const engine = ['--engine', engines[0]!, '--threads', '1']
