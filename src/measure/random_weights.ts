import { type BackboneConfig, backboneTensors, familyOf } from '../backbone/registry.js'
import { elements } from '../base/safetensors/safetensors.js'
import { keyOf, regeneratedNormals } from '../method/intrinsic/regenerated.js'

/**
 * Reads the weights of a backbone that was never trained: N(0, std²) with the spread of the family's own
 * initialisation, norms 1. A tensor is made when it is asked for, the same for the same (seed, name), and is not kept
 * here.
 */
export function randomWeights(config: BackboneConfig, seed: number): (name: string) => Float32Array {
  const tensors = backboneTensors(config)
  return (name) => {
    const tensor = tensors.get(name)
    if (!tensor) throw new Error(`a backbone of this config has no tensor ${name}`)
    const count = elements(tensor.shape)
    if (tensor.role === 'norm') return new Float32Array(count).fill(1)
    if (tensor.role === 'bias' || tensor.role === 'norm_bias') return new Float32Array(count)
    const values = regeneratedNormals(count, keyOf(seed, name))
    const std = familyOf(config).initialStd(config, name)
    for (let i = 0; i < values.length; i++) values[i]! *= std
    return values
  }
}
