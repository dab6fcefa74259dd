import { z } from 'zod'
import { lowRank, type MethodKind } from './kind.js'
import { bottleneckProblems, placementProblems } from './problems.js'
import {
  arrangement,
  layerNorm,
  nonlinearity,
  placement,
  reductionFactor,
  scale,
  startStd,
  trainedBackbone,
} from './shared.js'

/**
 * Dense or low-rank bottleneck adapters: Houlsby's, Pfeiffer's, AdapterDrop and the low-rank adapter are presets of it.
 */
export const adapterOptions = z.strictObject({
  kind: z.literal('adapter'),
  reduction_factor: reductionFactor,
  factors: z
    .enum(['dense', 'low_rank'])
    .default('dense')
    .describe('Each projection as one matrix, or as a product of two of the given rank.'),
  rank: z.int().min(1).default(1).describe('Rank of the low-rank factors.'),
  start: z
    .enum(['auto', 'normal', 'xavier_uniform', 'xavier_normal', 'lora'])
    .default('auto')
    .describe(
      'How matrices start, each factor by itself. auto: normal where they are dense, xavier_uniform where they are ' +
        'low-rank. lora: uniform in ±1 / √rows, and zeros at the end of the up-projection, so that at first an ' +
        'adapter does nothing.',
    ),
  start_std: startStd,
  nonlinearity,
  arrangement,
  scale,
  layer_norm: layerNorm,
  placement,
  ...trainedBackbone,
})
export type AdapterOptions = z.infer<typeof adapterOptions>

export const adapterKind: MethodKind<AdapterOptions> = {
  problems: (options, config) => [
    ...bottleneckProblems(options, config),
    ...placementProblems(options.placement, config, 'sublayer'),
  ],
  complexity: ({ factors, rank }) => (factors === 'dense' ? 'O(kd)' : lowRank(rank)),
  inPyTorch: () => 'hooks',
}
