import type { BackboneConfig } from '../../backbone/registry.js'
import type { Start } from '../method.js'
import type { CompacterOptions } from '../options.js'
import { xavierVariance } from '../start.js'

/** The blocks B start Xavier-uniform with this gain. */
export const BLOCK_GAIN = Math.SQRT2

/** Standard deviations of the released code's rules. A learnt one grows by itself, however small it starts. */
const SHARED = 1e-4
const OWN = 0.01

/** The deviation of the entries of W with a shared rule that is not learnt: that of a dense adapter's matrices. */
const FIXED_W = 0.01

/** Returns how a whole rule starts, or each of its two factors, whose product then has the rule's deviation. */
export function ruleStart(options: CompacterOptions, config: BackboneConfig): Start {
  const { rule_factors, rank } = options
  const std = ruleStd(options, config)
  // an entry of the product is a sum over the rank of products of two: its variance is rank·σ⁴
  return { kind: 'normal', std: rule_factors === 'full' ? std : Math.sqrt(std / Math.sqrt(rank)) }
}

/**
 * Returns the deviation of a rule's entries. With 1e-4 the gradients of the blocks are below Adam's ε, and if the rule
 * is not learnt, nothing would learn. An entry of W = Σᵢ Aᵢ ⊗ Bᵢ is a sum of n products, so that Var W = n · Var A ·
 * Var B.
 */
function ruleStd(options: CompacterOptions, config: BackboneConfig): number {
  const { rule_std, rule, learn_rule, n } = options
  if (rule_std !== 'auto') return rule_std
  if (rule === 'own') return OWN
  return learn_rule ? SHARED : FIXED_W / Math.sqrt(n * blockVariance(options, config))
}

/**
 * Returns the variance of the entries of B, which is the same for [d/n, b/n] and [b/n, d/n]; B is a product s·t or
 * whole.
 */
function blockVariance({ factors, n, rank, reduction_factor }: CompacterOptions, { dModel }: BackboneConfig): number {
  const [p, q] = [dModel / n, dModel / reduction_factor / n]
  if (factors === 'full') return xavierVariance(BLOCK_GAIN, [p, q])
  return rank * xavierVariance(BLOCK_GAIN, [p, rank]) * xavierVariance(BLOCK_GAIN, [rank, q])
}

type RuleOptions = Pick<CompacterOptions, 'rule' | 'rule_factors' | 'learn_rule' | 'rank'>

/**
 * Returns the `rule_std` of a run that was made before the option existed: then each factor had the deviation, and a
 * rule that is not learnt had that of a learnt one.
 */
export function earlierRuleStd({ rule, rule_factors, learn_rule, rank }: RuleOptions): CompacterOptions['rule_std'] {
  const std = rule === 'shared' ? SHARED : OWN
  if (rule_factors === 'low_rank') return std * std * Math.sqrt(rank)
  return learn_rule || rule === 'own' ? 'auto' : std
}
