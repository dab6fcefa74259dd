import type { Role } from '../backbone/family.js'
import { type BackboneConfig, headTensors, onlyEncoder } from '../backbone/registry.js'
import type { ParameterSpec, Start } from './method.js'

/** Returns the tensors of the head, which are trained with every method: N(0, initializerRange²), biases 0, norms 1. */
export function headParameters(config: BackboneConfig): ParameterSpec[] {
  return [...headTensors(config)].map(([name, { shape, role }]) => ({
    name,
    shape,
    start: startOf(config, shape, role),
  }))
}

function startOf(config: BackboneConfig, shape: number[], role: Role): Start {
  if (role === 'norm') return { kind: 'ones' }
  return shape.length === 1 ? { kind: 'zeros' } : { kind: 'normal', std: onlyEncoder(config).initializerRange }
}
