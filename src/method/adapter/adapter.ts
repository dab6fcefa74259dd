import tf from '../../tensor/tf.cjs'
import type { Method, ParameterSpec, Start } from '../method.js'
import type { AdapterOptions } from '../options.js'
import { bottleneckHooks, bottleneckParameters, projections } from './bottleneck.js'

/**
 * Bottleneck adapters (Houlsby et al., arXiv 1902.00751) whose projections are one matrix [in, out], or the product of
 * s [in, r] and t [r, out] (the paper's low-rank baseline). Pfeiffer's adapters and AdapterDrop are placements of it.
 */
export const adapter: Method<AdapterOptions> = {
  weights: 'frozen',
  parameters(options, config) {
    const { factors, rank } = options
    const xavier: Start = { kind: 'xavier_uniform', gain: Math.SQRT2 }
    const matrices = projections(options, config).flatMap(({ name, inputs, outputs }): ParameterSpec[] =>
      factors === 'dense'
        ? [{ name: `${name}.weight`, shape: [inputs, outputs], start: { kind: 'normal', std: 0.01 } }]
        : [
            { name: `${name}.s`, shape: [inputs, rank], start: xavier },
            { name: `${name}.t`, shape: [rank, outputs], start: xavier },
          ],
    )
    return [...matrices, ...bottleneckParameters(options, config)]
  },
  hooks: (options, config, tensors) =>
    bottleneckHooks(options, config, tensors, (x, name) =>
      options.factors === 'dense'
        ? tf.matMul(x, tensors(`${name}.weight`) as tf.Tensor2D)
        : tf.matMul(tf.matMul(x, tensors(`${name}.s`) as tf.Tensor2D), tensors(`${name}.t`) as tf.Tensor2D),
    ),
}
