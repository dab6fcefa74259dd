import type { T5Config } from '../backbone/t5/config.js'
import { backboneTensors } from '../backbone/t5/tensors.js'
import { elements } from '../base/safetensors/safetensors.js'
import { keyOf, regeneratedNormals } from '../method/intrinsic/regenerated.js'

/**
 * Reads the weights of a T5 that was never trained: N(0, std²) with the spread of T5's own initialisation, layer norms 1.
 * A tensor is made when it is asked for, the same for the same (seed, name), and kept by no one else.
 */
export function randomWeights(config: T5Config, seed: number): (name: string) => Float32Array {
  const shapes = backboneTensors(config)
  return (name) => {
    const shape = shapes.get(name)
    if (!shape) throw new Error(`a T5 of this config has no tensor ${name}`)
    if (name.includes('layer_norm')) return new Float32Array(elements(shape)).fill(1)
    const values = regeneratedNormals(elements(shape), keyOf(seed, name))
    const std = spread(name, config)
    for (let i = 0; i < values.length; i++) values[i]! *= std
    return values
  }
}

/** Mesh TensorFlow's, as transformers has it: attention is not scaled, so q is small. */
function spread(name: string, { dModel, dKv, dFf, heads }: T5Config): number {
  const part = name.split('.').at(-2)!
  if (part === 'shared' || part === 'lm_head') return 1
  if (part === 'q') return (dModel * dKv) ** -0.5
  if (part === 'o') return (heads * dKv) ** -0.5
  return (part === 'wo' ? dFf : dModel) ** -0.5
}
