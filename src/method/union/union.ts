import type { Method, ParameterSpec } from '../method.js'
import type { MethodOptions, UnionOptions } from '../options.js'
import { combinedHooks } from './combined_hooks.js'
import { SameTensor } from './same_tensor.js'

type MethodOf = (options: MethodOptions) => Method<MethodOptions>

/**
 * Several methods at once. Each enters the backbone as those before it in the list have changed it: of two at one
 * product, the second takes the product of the first for the backbone's. What two of them unfreeze is one tensor.
 */
export function unionOf(methodOf: MethodOf): Required<Method<UnionOptions>> {
  const each = <T>({ methods }: UnionOptions, of: (method: Method<MethodOptions>, options: MethodOptions) => T): T[] =>
    methods.map((options) => of(methodOf(options), options))

  return {
    weights: 'frozen',
    parameters: (options, config) => distinct(each(options, (method, own) => method.parameters(own, config))),
    constants(options, config) {
      const constants = each(options, (method, own) => method.constants?.(own, config) ?? [])
      const trained = each(options, (method, own) => method.parameters(own, config))
      distinct(constants.map((own, part) => [...own, ...trained[part]!]))
      return constants.flat()
    },
    positions: (options) => each(options, (method, own) => method.positions?.(own) ?? 0).reduce((a, b) => a + b, 0),
    hooks(options, config, tensors) {
      const parts = each(options, (method, own) => ({
        hooks: method.hooks(own, config, tensors),
        merged: method.merged?.(own, config, tensors),
      }))
      return combinedHooks(parts, config)
    },
    merged(options, config, tensors) {
      const parts = each(options, (method, own) => method.merged?.(own, config, tensors))
      return (name, weight) => parts.reduce((changed, merged) => merged?.(name, changed) ?? changed, weight)
    },
  }
}

/**
 * Lists a tensor of the backbone that several methods unfreeze once.
 * @throws SameTensor where two methods give tensors of their own the same name.
 */
function distinct(specs: readonly ParameterSpec[][]): ParameterSpec[] {
  const known = new Map<string, { spec: ParameterSpec; part: number }>()
  for (const [part, spec] of specs.flatMap((own, part) => own.map((spec) => [part, spec] as const))) {
    const earlier = known.get(spec.name)
    if (earlier && spec.start.kind !== 'backbone') throw new SameTensor(spec.name, earlier.part, part)
    if (!earlier) known.set(spec.name, { spec, part })
  }
  return [...known.values()].map(({ spec }) => spec)
}
