import { type BackboneConfig, headTensors, onlyEncoder } from '../backbone/registry.js'
import type { ParameterSpec } from './method.js'

/** Returns the tensors of the head, which are trained with every method: N(0, initializerRange²), biases 0. */
export function headParameters(config: BackboneConfig): ParameterSpec[] {
  return [...headTensors(config)].map(([name, { shape }]) => ({
    name,
    shape,
    start: shape.length === 1 ? { kind: 'zeros' } : { kind: 'normal', std: onlyEncoder(config).initializerRange },
  }))
}
