import { backboneTensors } from '../../backbone/registry.js'
import tf from '../../tensor/tf.cjs'
import type { Method, ParameterSpec } from '../method.js'
import type { IntrinsicOptions } from '../options.js'
import { denseProjection } from './dense_projection.js'
import { bitsFor, type FastfoodParts, fastfood } from './fastfood.js'
import { moved, type Projection } from './projection.js'
import { regeneratedParts } from './regenerated.js'

/** Returns the random parts of a tensor's Fastfood projection of length 2^bits. */
export type PartsOf = (seed: number, tensor: string, bits: number) => FastfoodParts

/**
 * Training in a random subspace of all the weights: θ = θ₀ + λⱼ·Pⱼ(v) for the backbone's j-th tensor by name
 * (Aghajanyan et al., arXiv 2012.13255; without λ, Li et al., arXiv 1804.08838). The length of v is `dimension` minus
 * the number of tensors with a λ.
 */
export function intrinsicWith(partsOf: PartsOf): Method<IntrinsicOptions> {
  return {
    weights: 'made',
    parameters({ dimension, said }, config) {
      const tensors = said ? backboneTensors(config).size : 0
      const v: ParameterSpec = { name: 'intrinsic', shape: [dimension - tensors], start: { kind: 'zeros' } }
      return said ? [v, { name: 'lambda', shape: [tensors], start: { kind: 'ones' } }] : [v]
    },
    hooks(options, config, tensors) {
      const names = [...backboneTensors(config).keys()].sort()
      const places = new Map(names.map((name, place) => [name, place]))
      const computed = new Map<string, tf.Tensor>()
      const weight = (name: string, frozen: tf.Tensor) => {
        const v = tensors('intrinsic') as tf.Tensor1D
        const own = options.said ? tf.mul(v, tf.slice(tensors('lambda'), places.get(name)!, 1)) : v
        return moved(frozen, own as tf.Tensor1D, projection(options, name, frozen.size, v.size))
      }
      return {
        weight(name, frozen) {
          const known = computed.get(name)
          if (known && !known.isDisposed) return known
          const made = weight(name, frozen)
          computed.set(name, made)
          return made
        },
      }
    },
  }

  function projection(options: IntrinsicOptions, name: string, size: number, dimension: number): Projection {
    const { projection_seed: seed } = options
    return options.projection === 'fastfood'
      ? fastfood(partsOf(seed, name, bitsFor(size)), size, dimension)
      : denseProjection(seed, name, size, dimension)
  }
}

export const intrinsic = intrinsicWith(regeneratedParts)
