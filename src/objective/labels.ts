import { crossEntropy } from '../tensor/cross_entropy.js'
import tf from '../tensor/tf.cjs'
import { logitsOf, paddedTexts, textInputs, textNames } from './encoded.js'
import { counted, type Objective } from './objective.js'

/** A row's target: which of the labels it has, −1 for another one, and how many of its ids are of the first text. */
export const labelTarget = (label: number, first: number): Int32Array => Int32Array.of(label, first)

/**
 * One of several labels for a text or a pair, by the head of an encoder: the mean cross-entropy over rows. Rows with
 * another label have no part in it.
 */
export const labels = (count: number, segments: boolean): Objective => {
  const head = { kind: 'sequence', labels: count } as const
  return {
    inputs: { ...textInputs(segments), target: 'target', target_mask: 'target' },
    numbers: false,
    lengths: (rows, pad) => ({ ...pad(Math.max(...rows.map(({ source }) => source.length)), 1), target: 1 }),
    pad: (rows, { source }, padId) => ({
      ...paddedTexts(
        rows.map(({ source, target }) => ({ ids: source, first: target[1]! })),
        source,
        padId,
        segments,
      ),
      target: Int32Array.from(rows, ({ target }) => Math.max(0, target[0]!)),
      target_mask: Int32Array.from(rows, ({ target }) => (target[0]! < 0 ? 0 : 1)),
    }),
    loss(pass, inputs, labelSmoothing) {
      const [target, mask] = [inputs.target, inputs.target_mask].map((x) => tf.reshape(x, [-1]) as tf.Tensor1D)
      return crossEntropy(logitsOf(pass, inputs, head), target!, mask!, labelSmoothing)
    },
    weight: ({ target_mask }) => counted(target_mask),
    asks: textNames(segments),
    answers: (pass, inputs) => tf.logSoftmax(logitsOf(pass, inputs, head)),
  }
}
