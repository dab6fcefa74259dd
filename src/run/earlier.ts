import { isMapping } from '../base/yaml/merge.js'
import { earlierRuleStd } from '../method/compacter/rule_start.js'
import { type MethodOptions, methodOptions } from '../method/options.js'

/**
 * Returns a stored experiment of a run or an export with the values that an earlier version used where it lacks a key.
 * What computed the steps is left out, since it is not part of what was trained.
 */
export function asItWasMade(stored: unknown): unknown {
  if (!isMapping(stored)) return stored
  return { ...stored, ...withRule(stored), ...withoutWorkers(stored) }
}

function withRule({ method: options }: Record<string, unknown>) {
  if (!isMapping(options) || options.rule_std !== undefined) return {}
  const method = methodOptions.safeParse(options)
  if (!method.success || method.data.kind !== 'compacter') return {}
  return { method: { ...options, rule_std: earlierRuleStd(method.data) } }
}

const WORKERS = ['workers', 'on_worker_lost']

function withoutWorkers({ training }: Record<string, unknown>) {
  if (!isMapping(training)) return {}
  return { training: Object.fromEntries(Object.entries(training).filter(([key]) => !WORKERS.includes(key))) }
}

/**
 * Returns a method for continuing a run: its rule stays as an earlier version drew it, unless the experiment sets a
 * deviation.
 */
export function asItBegan(method: MethodOptions, begun: MethodOptions): MethodOptions {
  if (method.kind !== 'compacter' || begun.kind !== 'compacter' || method.rule_std !== 'auto') return method
  return begun.rule_std === earlierRuleStd(begun) ? { ...method, rule_std: begun.rule_std } : method
}
