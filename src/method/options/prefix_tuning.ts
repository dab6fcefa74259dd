import { z } from 'zod'
import type { MethodKind } from './kind.js'
import { placementProblems } from './problems.js'
import { placementOf } from './shared.js'

const attentions = z.union([z.literal('attention'), z.literal('cross_attention')], {
  error: 'must be attention or cross_attention: feed_forward has no keys and values.',
})

/** Trained keys and values in front of those of attention. */
export const prefixTuningOptions = z.strictObject({
  kind: z.literal('prefix_tuning'),
  length: z.int().min(1).default(30).describe('Positions of the prefix of each attention.'),
  bottleneck: z
    .union([z.int().min(1), z.literal('none')], { error: 'must be none or a whole number above 0.' })
    .default(512)
    .describe(
      'Reparameterisation: keys and values are computed by networks of this width, which are trained. none: they are ' +
        'trained themselves.',
    ),
  placement: placementOf(['attention', 'cross_attention'], 'Which attentions have a prefix.', attentions),
})
export type PrefixTuningOptions = z.infer<typeof prefixTuningOptions>

export const prefixTuningKind: MethodKind<PrefixTuningOptions> = {
  problems: ({ placement }, config) => placementProblems(placement, config, 'attention'),
  complexity: ({ bottleneck }) => (bottleneck === 'none' ? 'O(d)' : 'O(kd)'),
  inPyTorch: () => 'hooks',
}
