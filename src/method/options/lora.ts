import { z } from 'zod'
import { lowRank, type MethodKind } from './kind.js'
import { productProblems } from './problems.js'
import { placementOf, trainedBackbone } from './shared.js'

/** Products with the backbone's matrices by name, for methods that enter there. */
export const targets = (...defaults: string[]) =>
  z
    .union([z.literal('all'), z.array(z.string().min(1)).min(1)], { error: 'must be all or a list of names.' })
    .default(defaults)
    .describe(
      'Products of the backbone that are changed, by name: q, k, v, o, wi, wi_0, wi_1, wo, lm_head. all: every ' +
        "product of the placement's sublayers.",
    )

/** Low-rank changes of the backbone's matrices: W + scale·B·A. */
export const loraOptions = z.strictObject({
  kind: z.literal('lora'),
  rank: z.int().min(1).default(8).describe('Rank of the change.'),
  alpha: z.number().positive().default(16).describe('The change is multiplied by alpha / rank.'),
  rank_stabilised: z.boolean().default(false).describe('Whether it is multiplied by alpha / √rank instead.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout of the input of A, in addition to the backbone.'),
  magnitudes: z
    .boolean()
    .default(false)
    .describe('DoRA: whether the length of each row of W + scale·B·A is trained by itself.'),
  loraplus_lr_ratio: z
    .number()
    .positive()
    .default(1)
    .describe('LoRA+: the learning rate of B relative to that of A; its paper has 16.'),
  targets: targets('q', 'v'),
  placement: placementOf(['attention', 'cross_attention', 'feed_forward'], 'Where the changed products are.'),
  train_layer_norms: trainedBackbone.train_layer_norms.default(false),
  train_lm_head: trainedBackbone.train_lm_head,
})
export type LoraOptions = z.infer<typeof loraOptions>

export const loraKind: MethodKind<LoraOptions> = {
  problems: productProblems,
  complexity: ({ rank }) => lowRank(rank),
  label: ({ kind, magnitudes, rank }) => `${magnitudes ? 'dora' : kind}, rank ${rank}`,
  inPyTorch: () => 'peft',
}
