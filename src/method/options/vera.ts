import { z } from 'zod'
import type { MethodKind } from './kind.js'
import { productProblems } from './problems.js'
import { besideProducts, targets } from './shared.js'

/** Trained vectors around two random projections that all changed products share. */
export const veraOptions = z.strictObject({
  kind: z.literal('vera'),
  rank: z.int().min(1).default(256).describe('Rows of A and columns of B, the random projections.'),
  d_initial: z.number().positive().default(0.1).describe('Start of λd, the vector between A and B; λb starts at 0.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout of the input of A, in addition to the backbone.'),
  projection_seed: z
    .int()
    .min(0)
    .default(0)
    .describe("Seed of A and B, which are not stored; peft's projection_prng_key, which draws the same numbers."),
  targets: targets('q', 'v'),
  ...besideProducts('Where the changed products are.'),
})
export type VeraOptions = z.infer<typeof veraOptions>

export const veraKind: MethodKind<VeraOptions> = {
  problems: productProblems,
  complexity: () => 'O(r+d)',
  inPyTorch: () => 'peft',
}
