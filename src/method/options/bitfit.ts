import { z } from 'zod'
import type { MethodKind } from './kind.js'
import { trainedBackbone } from './shared.js'

const BIASES = ['attention', 'cross_attention', 'feed_forward', 'layer_norm', 'lm_head'] as const

/** Biases added to the backbone, which has none. */
export const bitfitOptions = z.strictObject({
  kind: z.literal('bitfit'),
  biases: z
    .array(z.enum(BIASES))
    .min(1)
    .default([...BIASES])
    .describe('What gets a bias: products of each sublayer, the norms of the blocks (not the final ones), the head.'),
  train_lm_head: trainedBackbone.train_lm_head,
})
export type BitfitOptions = z.infer<typeof bitfitOptions>

export const bitfitKind: MethodKind<BitfitOptions> = {
  problems: () => [],
  complexity: () => 'O(d)',
  inPyTorch: () => 'hooks',
}
