import type { Product } from '../../backbone/hooks.js'
import tf from '../../tensor/tf.cjs'
import type { Tensors } from '../method.js'
import type { Ia3Options } from '../options.js'
import type { Target } from '../targets.js'
import { changedProducts } from './changed_products.js'

/**
 * IA³ (Liu et al., arXiv 2205.05638): the result of a chosen product is multiplied by a trained vector [out, 1], or its
 * input by one [1, in]; the shapes are those of peft.
 */
export const ia3 = changedProducts<Ia3Options>({
  parameters: (options, target) => [
    {
      name: nameOf(target),
      shape: scalesInput(options, target) ? [1, target.inputs] : [target.outputs, 1],
      start: { kind: 'ones' },
    },
  ],
  product: scaled,
  merged: (_options, target, tensors, weight) => tf.mul(weight, tensors(nameOf(target))),
  mergedBias: (options, target, tensors, bias) =>
    scalesInput(options, target) ? bias : tf.mul(bias, tf.reshape(tensors(nameOf(target)), [-1])),
})

const nameOf = ({ name }: Target) => `${name}.ia3`

const scalesInput = ({ scaled_inputs }: Ia3Options, { name }: Target) =>
  scaled_inputs.includes(name.slice(name.lastIndexOf('.') + 1))

function scaled(options: Ia3Options, target: Target, tensors: Tensors): Product {
  const factors = () => tf.reshape(tensors(nameOf(target)), [1, -1]) as tf.Tensor2D
  return scalesInput(options, target)
    ? (x, { times }) => times(tf.mul(x, factors()))
    : (x, { times }) => tf.mul(times(x), factors())
}
