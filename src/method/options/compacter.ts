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

const autoOrPositive = z
  .union([z.literal('auto'), z.number().positive()], { error: 'must be auto or a number above 0.' })
  .default('auto')

/**
 * Hypercomplex adapters: Compacter, Compacter++ and the PHM-adapter are presets of it. W = Σᵢ Aᵢ ⊗ Bᵢ, arXiv
 * 2106.04647.
 */
export const compacterOptions = z.strictObject({
  kind: z.literal('compacter'),
  n: z.int().min(1).default(4).describe('Hypercomplex divisions: A is [n, n, n]. Divides d_model and the bottleneck.'),
  rank: z.int().min(1).default(1).describe('Rank of the low-rank factors.'),
  reduction_factor: reductionFactor,
  nonlinearity,
  rule: z.enum(['shared', 'own']).default('shared').describe('One rule A for the whole model, or one per projection.'),
  rule_factors: z
    .enum(['full', 'low_rank'])
    .default('full')
    .describe('The rule stored whole, or each of its matrices as a product of two of the given rank.'),
  rule_start: z.enum(['normal', 'uniform']).default('normal').describe('How the rule starts: N(0, σ) or U(−a, a).'),
  rule_std: autoOrPositive.describe(
    'Standard deviation of a rule that starts normal, of the product where it has factors. auto: 1e-4 for a shared ' +
      'rule and 0.01 for own ones, as in the released code; for a shared rule that is not learnt, such that W ' +
      'has 0.01.',
  ),
  rule_range: autoOrPositive.describe(
    'a of a rule that starts uniform; where it has factors, their product has the deviation a / √3. auto: 1 for a ' +
      'shared rule and 0.01 for own ones, as in the released code.',
  ),
  learn_rule: z.boolean().default(true).describe('Whether the rule is trained; otherwise it stays as drawn.'),
  factors: z
    .enum(['low_rank', 'full'])
    .default('low_rank')
    .describe('Each B as s·t of the given rank, or stored whole.'),
  blocks: z
    .enum(['own', 'shared'])
    .default('own')
    .describe(
      'Whether each projection has its own Bs, or one set is for all down-projections and one for all ' +
        'up-projections.',
    ),
  arrangement,
  scale,
  start: z
    .enum(['xavier_uniform', 'xavier_normal', 'normal'])
    .default('xavier_uniform')
    .describe('How the blocks start: each s, t or whole B by itself.'),
  start_std: startStd,
  layer_norm: layerNorm,
  placement,
  ...trainedBackbone,
})
export type CompacterOptions = z.infer<typeof compacterOptions>

export const compacterKind: MethodKind<CompacterOptions> = {
  problems: (options, config) => [
    ...bottleneckProblems(options, config),
    ...placementProblems(options.placement, config, 'sublayer'),
  ],
  complexity: ({ factors, rank }) => (factors === 'full' ? 'O(kd/n)' : lowRank(rank)),
  inPyTorch: () => 'hooks',
}
