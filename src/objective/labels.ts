import tf from '../tensor/tf.cjs'
import { classLoss, logitsOf, ofTexts } from './encoded.js'
import type { Objective } from './objective.js'

/** A row's target: which of the labels it has, −1 for another one, and how many of its ids are of the first text. */
export const labelTarget = (label: number, first: number): Int32Array => Int32Array.of(label, first)

/**
 * One of several labels for a text or a pair, by the head of an encoder: the mean cross-entropy over rows. Rows with
 * another label have no part in it.
 */
export const labels = (count: number, segments: boolean): Objective => {
  const head = { kind: 'sequence', labels: count } as const
  return ofTexts(segments, {
    each: 'row',
    numbers: false,
    first: ({ target }) => target[1]!,
    targets: (rows) => ({
      target: Int32Array.from(rows, ({ target }) => Math.max(0, target[0]!)),
      target_mask: Int32Array.from(rows, ({ target }) => (target[0]! < 0 ? 0 : 1)),
    }),
    loss: classLoss(head),
    answers: (pass, inputs) => tf.logSoftmax(logitsOf(pass, inputs, head)),
    lossOf: (answers, [label]) => (label! < 0 ? { sum: 0, weight: 0 } : { sum: -answers[label!]!, weight: 1 }),
  })
}
