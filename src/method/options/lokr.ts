import { z } from 'zod'
import type { MethodKind } from './kind.js'
import { productProblems } from './problems.js'
import { besideProducts, targets } from './shared.js'

/** Changes of the backbone's matrices by a Kronecker product: W + alpha / rank · w1 ⊗ w2. */
export const lokrOptions = z.strictObject({
  kind: z.literal('lokr'),
  rank: z.int().min(1).default(8).describe('Rank of a factor that is stored as a product of two.'),
  alpha: z.number().positive().default(8).describe('The change is multiplied by alpha / rank.'),
  decompose_both: z
    .boolean()
    .default(false)
    .describe('Whether w1, the smaller one, is stored as a product of two as well.'),
  decompose_factor: z
    .union([z.literal(-1), z.int().min(1)], { error: 'must be -1 or a whole number above 0.' })
    .default(-1)
    .describe('Rows and columns of w1; -1: the divisors nearest to the square roots of the dimensions.'),
  targets: targets('q', 'v'),
  ...besideProducts('Where the changed products are.'),
})
export type LokrOptions = z.infer<typeof lokrOptions>

export const lokrKind: MethodKind<LokrOptions> = {
  problems: productProblems,
  complexity: () => 'O(√(kd))',
  inPyTorch: () => 'peft',
}
