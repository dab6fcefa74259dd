import type { Tensor2D } from '@tensorflow/tfjs-core'
import { tableName } from '../backbone/registry.js'
import type { Method } from './method.js'
import type { PromptTuningOptions } from './options.js'

/** Prompt tuning (Lester et al., arXiv 2104.08691): trained vectors [length, d] in front of every embedded source. */
export const promptTuning: Method<PromptTuningOptions> = {
  weights: 'frozen',
  parameters: ({ length, start }, config) => [
    {
      name: 'prompt',
      shape: [length, config.dModel],
      start: start === 'random' ? { kind: 'uniform', bound: 0.5 } : { kind: 'first_rows', of: tableName(config) },
    },
  ],
  positions: ({ length }) => length,
  hooks: (_options, _config, tensors) => ({ prompt: () => tensors('prompt') as Tensor2D }),
}
