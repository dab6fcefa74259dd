import tf from '../../tensor/tf.cjs'
import type { Method } from '../method.js'
import type { AdapterOptions } from '../options.js'
import { bottleneckHooks, bottleneckParameters, projections } from './bottleneck.js'
import { adapterMatrices } from './start.js'

/**
 * Bottleneck adapters (Houlsby et al., arXiv 1902.00751) whose projections are one matrix [in, out], or the product of
 * s [in, r] and t [r, out] (the paper's low-rank baseline). Pfeiffer's adapters and AdapterDrop are placements of it.
 */
export const adapter: Method<AdapterOptions> = {
  weights: 'frozen',
  parameters: (options, config) => [
    ...projections(options, config).flatMap((projection) => adapterMatrices(options, projection)),
    ...bottleneckParameters(options, config),
  ],
  hooks: (options, config, tensors) =>
    bottleneckHooks(options, config, tensors, (x, name) =>
      options.factors === 'dense'
        ? tf.matMul(x, tensors(`${name}.weight`) as tf.Tensor2D)
        : tf.matMul(tf.matMul(x, tensors(`${name}.s`) as tf.Tensor2D), tensors(`${name}.t`) as tf.Tensor2D),
    ),
}
