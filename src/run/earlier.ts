import { isMapping } from '../experiment/merge.js'
import { type MethodOptions, methodOptions } from '../method/options.js'
import { earlierRuleStd } from '../method/rule_start.js'

/** The experiment of a run or an export, as it is stored, with what an earlier version did where it has no key for that. */
export function asItWasMade(stored: unknown): unknown {
  if (!isMapping(stored) || !isMapping(stored.method) || stored.method.rule_std !== undefined) return stored
  const method = methodOptions.safeParse(stored.method)
  if (!method.success || method.data.kind !== 'compacter') return stored
  return { ...stored, method: { ...stored.method, rule_std: earlierRuleStd(method.data) } }
}

/** A method that a run goes on with: its rule stays as an earlier version drew it, unless the experiment tells a deviation. */
export function asItBegan(method: MethodOptions, begun: MethodOptions): MethodOptions {
  if (method.kind !== 'compacter' || begun.kind !== 'compacter' || method.rule_std !== 'auto') return method
  return begun.rule_std === earlierRuleStd(begun) ? { ...method, rule_std: begun.rule_std } : method
}
