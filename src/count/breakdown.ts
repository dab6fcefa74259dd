import { elements } from '../base/safetensors/safetensors.js'
import type { ParameterSpec } from '../method/method.js'

export type Grouping = 'tensor' | 'layer' | 'kind'

/** A part of what a method trains. */
export interface Breakdown {
  /** A tensor's name, a layer as `encoder.3`, or a kind as `down.s`. */
  name: string
  /** Of a single tensor. */
  shape?: number[]
  tensors: number
  parameters: number
  /** Of all that the method trains, × 100. */
  share_percent: number
}

/** What is trained, in parts that sum to the whole, in the order of their first tensor. */
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

/** Our names are `encoder.3.attention.down.s`, the backbone's `encoder.block.3.layer.0.SelfAttention.q.weight`. */
const groupOf: Record<Grouping, (name: string) => string> = {
  tensor: (name) => name,
  layer: (name) => {
    const [, stack, layer] = /^(encoder|decoder)\.(?:block\.)?(\d+)\./.exec(name) ?? []
    return stack ? `${stack}.${layer}` : 'outside the layers'
  },
  kind: (name) => name.replace(/^(encoder|decoder)\.(block\.\d+\.layer\.\d+\.|\d+\.\w+\.)?/, ''),
}
