import type { Method } from './method.js'
import type { LayerNormTuningOptions } from './options.js'
import { isOfNorm, unfrozen } from './unfrozen.js'

/**
 * Layer-norm tuning (Zhao et al., arXiv 2312.11420): the weights of every norm are trained, final norms too;
 * their biases where they have them.
 */
export const layerNormTuning: Method<LayerNormTuningOptions> = {
  weights: 'frozen',
  parameters: (_options, config) => unfrozen(config, (_name, role) => isOfNorm(role)),
  hooks: () => ({}),
  merged: () => (_name, weight) => weight,
}
