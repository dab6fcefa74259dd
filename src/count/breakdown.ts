import type { Grouping } from '../base/choices.js'
import { elements } from '../base/safetensors/safetensors.js'
import type { ParameterSpec } from '../method/method.js'

/** A part of what a method trains. */
export interface Breakdown {
  /** A tensor's name, a layer such as `encoder.3`, or a kind such as `down.s`. */
  name: string
  /** The shape of a single tensor. */
  shape?: number[]
  tensors: number
  parameters: number
  /** Share of everything that the method trains, × 100. */
  share_percent: number
}

/** Returns what is trained in parts that add up to the whole, in the order of their first tensor. */
export function breakdown(specs: readonly ParameterSpec[], by: Grouping): Breakdown[] {
  const whole = specs.reduce((sum, { shape }) => sum + elements(shape), 0)
  const groups = new Map<string, ParameterSpec[]>()
  for (const spec of specs) {
    const group = groupOf[by](spec.name)
    groups.set(group, [...(groups.get(group) ?? []), spec])
  }
  return [...groups].map(([name, members]) => {
    const parameters = members.reduce((sum, { shape }) => sum + elements(shape), 0)
    const shape = by === 'tensor' ? { shape: members[0]!.shape } : {}
    return { name, ...shape, tensors: members.length, parameters, share_percent: (100 * parameters) / whole }
  })
}

/**
 * Our names look like `encoder.3.attention.down.s`, the backbone's like
 * `encoder.block.3.layer.0.SelfAttention.q.weight`.
 */
const groupOf: Record<Grouping, (name: string) => string> = {
  tensor: (name) => name,
  layer: (name) => {
    const [, stack, layer] = /^(encoder|decoder)\.(?:block\.)?(\d+)\./.exec(name) ?? []
    return stack ? `${stack}.${layer}` : 'outside the layers'
  },
  kind: (name) => name.replace(/^(encoder|decoder)\.(block\.\d+\.layer\.\d+\.|\d+\.\w+\.)?/, ''),
}
