import type { BackboneConfig } from '../../backbone/registry.js'
import { XAVIER_GAIN } from '../adapter/start.js'
import type { Start } from '../method.js'
import type { CompacterOptions } from '../options.js'
import { xavierVariance } from '../start.js'

/** Standard deviations of the released code's rules. A learnt one grows by itself, however small it starts. */
const SHARED = 1e-4
const OWN = 0.01

/** The released code's rules that start uniform are between −a and a. */
const SHARED_RANGE = 1
const OWN_RANGE = 0.01

/** The deviation of the entries of W with a shared rule that is not learnt: that of a dense adapter's matrices. */
const FIXED_W = 0.01

/** Returns how a whole rule starts, or each of its two factors, whose product then has the rule's deviation. */
export function ruleStart(options: CompacterOptions, config: BackboneConfig): Start {
  const { rule_start, rule_factors } = options
  if (rule_start === 'uniform') {
    const bound = ruleRange(options)
    const ofFactors = Math.sqrt(3) * factorStd(bound / Math.sqrt(3), options)
    return { kind: 'uniform', bound: rule_factors === 'full' ? bound : ofFactors }
  }
  const std = ruleStd(options, config)
  return { kind: 'normal', std: rule_factors === 'full' ? std : factorStd(std, options) }
}

/** An entry of a product of two factors is a sum over the rank of products of two: its variance is rank·σ⁴. */
const factorStd = (std: number, { rank }: CompacterOptions): number => Math.sqrt(std / Math.sqrt(rank))

function ruleRange({ rule_range, rule }: CompacterOptions): number {
  if (rule_range !== 'auto') return rule_range
  return rule === 'shared' ? SHARED_RANGE : OWN_RANGE
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
function blockVariance(options: CompacterOptions, { dModel }: BackboneConfig): number {
  const { factors, n, rank, reduction_factor, start, start_std } = options
  const variance = (...fans: [number, number]) =>
    start === 'normal' ? start_std ** 2 : xavierVariance(XAVIER_GAIN, fans)
  const [p, q] = [dModel / n, dModel / reduction_factor / n]
  if (factors === 'full') return variance(p, q)
  return rank * variance(p, rank) * variance(rank, q)
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
