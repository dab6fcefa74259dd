import { z } from 'zod'
import { lowRank, type MethodKind } from './kind.js'
import { productProblems } from './problems.js'
import { besideProducts, targets } from './shared.js'

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
  ...besideProducts('Where the changed products are.'),
})
export type LoraOptions = z.infer<typeof loraOptions>

export const loraKind: MethodKind<LoraOptions> = {
  problems: productProblems,
  complexity: ({ rank }) => lowRank(rank),
  inPyTorch: () => 'peft',
}
