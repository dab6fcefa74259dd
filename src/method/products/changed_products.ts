import type { Tensor } from '@tensorflow/tfjs-core'
import type { Product } from '../../backbone/hooks.js'
import type { Method, ParameterSpec, Tensors } from '../method.js'
import type { Placement } from '../options/shared.js'
import { biasName, type Target, targetsOf } from '../targets.js'
import { unfrozenBesideAdapters } from '../unfrozen.js'

/** The options that every method of this kind has. */
interface ChangesProducts {
  targets: 'all' | string[]
  placement: Placement
  train_layer_norms: boolean
  train_lm_head: boolean
}

/** What a method does to one product of the backbone. */
interface OfTarget<Options> {
  parameters(options: Options, target: Target): ParameterSpec[]
  /** Returns what all targets share and what is not trained. */
  constants?(options: Options, targets: Target[]): ParameterSpec[]
  product(options: Options, target: Target, tensors: Tensors): Product
  /** Returns the matrix with which the bare backbone computes the same. */
  merged(options: Options, target: Target, tensors: Tensors, weight: Tensor): Tensor
  /** Returns the bias [out] with which it does, where that is another than the backbone's. */
  mergedBias?(options: Options, target: Target, tensors: Tensors, bias: Tensor): Tensor
}

/** A method that changes the products which its `targets` and `placement` choose, and else at most norms and head. */
export const changedProducts = <Options extends ChangesProducts>(of: OfTarget<Options>): Method<Options> => ({
  weights: 'frozen',
  parameters: (options, config) => [
    ...targetsOf(options, config).flatMap((target) => of.parameters(options, target)),
    ...unfrozenBesideAdapters(config, options),
  ],
  constants: (options, config) => of.constants?.(options, targetsOf(options, config)) ?? [],
  hooks(options, config, tensors) {
    const targets = new Map(targetsOf(options, config).map((target) => [target.product, target]))
    return {
      product(name) {
        const target = targets.get(name)
        return target && of.product(options, target, tensors)
      },
    }
  },
  merged(options, config, tensors) {
    const targets = new Map(targetsOf(options, config).map((target) => [target.matrix, target]))
    const biases = new Map([...targets.values()].map((target) => [biasName(target.matrix), target]))
    return (name, tensor) => {
      const [ofMatrix, ofBias] = [targets.get(name), biases.get(name)]
      if (ofMatrix) return of.merged(options, ofMatrix, tensors, tensor)
      return ofBias && of.mergedBias ? of.mergedBias(options, ofBias, tensors, tensor) : tensor
    }
  },
})
