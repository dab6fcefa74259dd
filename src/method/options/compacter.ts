import { z } from 'zod'
import { layerNorm, nonlinearity, placement, reductionFactor, trainedBackbone } from './shared.js'

/** Hypercomplex adapters: Compacter, Compacter++ and the PHM-adapter are presets of it. W = Σᵢ Aᵢ ⊗ Bᵢ, arXiv 2106.04647. */
export const compacterOptions = z.strictObject({
  kind: z.literal('compacter'),
  n: z.int().min(1).default(4).describe('Hypercomplex divisions: A is [n, n, n]. Divides d_model and the bottleneck.'),
  rank: z.int().min(1).default(1).describe('Rank of the low-rank factors.'),
  reduction_factor: reductionFactor,
  nonlinearity,
  rule: z.enum(['shared', 'own']).default('shared').describe('One rule A for the whole model, or one a projection.'),
  rule_factors: z
    .enum(['full', 'low_rank'])
    .default('full')
    .describe('The rule stored whole, or each of its matrices as a product of two of the given rank.'),
  rule_std: z
    .union([z.literal('auto'), z.number().positive()], { error: 'must be auto or a number above 0.' })
    .default('auto')
    .describe(
      "Standard deviation of the rule's start, of the product where it has factors. auto: 1e-4 of a shared rule and 0.01 of own ones, as in the released code; a shared rule that is not learnt so that W has 0.01.",
    ),
  learn_rule: z.boolean().default(true).describe('Whether the rule is trained or stays as it was drawn.'),
  factors: z
    .enum(['low_rank', 'full'])
    .default('low_rank')
    .describe('Each B as s·t of the given rank, or stored whole.'),
  blocks: z
    .enum(['own', 'shared'])
    .default('own')
    .describe('The Bs of each projection its own, or one set for all down- and one for all up-projections.'),
  layer_norm: layerNorm,
  placement,
  ...trainedBackbone,
})
export type CompacterOptions = z.infer<typeof compacterOptions>
