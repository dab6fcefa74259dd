import type { BackboneConfig } from '../../backbone/registry.js'
import type { Start } from '../method.js'
import type { CompacterOptions } from '../options.js'
import { xavierVariance } from '../start.js'

/** How the blocks B start: Xavier-uniform with this gain. */
export const BLOCK_GAIN = Math.SQRT2

/** Deviations of the released code's rules. A learnt one grows by itself, however small it starts. */
const SHARED = 1e-4
const OWN = 0.01

/** Of the entries of W behind a shared rule that is not learnt: that of a dense adapter's matrices. */
const FIXED_W = 0.01

/** How a rule starts that is stored whole, or each of its two factors, whose product has the deviation then. */
export function ruleStart(options: CompacterOptions, config: BackboneConfig): Start {
  const { rule_factors, rank } = options
  const std = ruleStd(options, config)
  // an entry of the product is a sum over the rank of products of two: its variance is rank·σ⁴
  return { kind: 'normal', std: rule_factors === 'full' ? std : Math.sqrt(std / Math.sqrt(rank)) }
}

/**
 * Deviation of a rule's entries. Behind one of 1e-4 the gradients of the blocks are below Adam's ε, and nothing would learn
 * where the rule is not learnt either. An entry of W = Σᵢ Aᵢ ⊗ Bᵢ is a sum of n products, so that Var W = n · Var A · Var B.
 */
function ruleStd(options: CompacterOptions, config: BackboneConfig): number {
  const { rule_std, rule, learn_rule, n } = options
  if (rule_std !== 'auto') return rule_std
  if (rule === 'own') return OWN
  return learn_rule ? SHARED : FIXED_W / Math.sqrt(n * blockVariance(options, config))
}

/** Of the entries of B [d/n, b/n], and of [b/n, d/n] alike, of rank products s·t or whole. */
function blockVariance({ factors, n, rank, reduction_factor }: CompacterOptions, { dModel }: BackboneConfig): number {
  const [p, q] = [dModel / n, dModel / reduction_factor / n]
  if (factors === 'full') return xavierVariance(BLOCK_GAIN, [p, q])
  return rank * xavierVariance(BLOCK_GAIN, [p, rank]) * xavierVariance(BLOCK_GAIN, [rank, q])
}

type RuleOptions = Pick<CompacterOptions, 'rule' | 'rule_factors' | 'learn_rule' | 'rank'>

/**
 * `rule_std` of a run that was made before there was that option: each factor had the deviation then, and a rule that is not
 * learnt that of one that is.
 */
export function earlierRuleStd({ rule, rule_factors, learn_rule, rank }: RuleOptions): CompacterOptions['rule_std'] {
  const std = rule === 'shared' ? SHARED : OWN
  if (rule_factors === 'low_rank') return std * std * Math.sqrt(rank)
  return learn_rule || rule === 'own' ? 'auto' : std
}
