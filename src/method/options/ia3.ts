import { z } from 'zod'
import { targets } from './lora.js'
import { placementOf, trainedBackbone } from './shared.js'

/** Trained vectors that scale the results of products, or their inputs. */
export const ia3Options = z.strictObject({
  kind: z.literal('ia3'),
  targets: targets('k', 'v', 'wo'),
  scaled_inputs: z
    .array(z.string().min(1))
    .default(['wo'])
    .describe('Those of the targets whose input is scaled, not their result.'),
  placement: placementOf(['attention', 'cross_attention', 'feed_forward'], 'Where the scaled products are.'),
  train_layer_norms: trainedBackbone.train_layer_norms.default(false),
  train_lm_head: trainedBackbone.train_lm_head,
})
export type Ia3Options = z.infer<typeof ia3Options>
