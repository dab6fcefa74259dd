import tf from '../tensor/tf.cjs'
import { logitsOf, ofTexts } from './encoded.js'
import type { Objective } from './objective.js'

const HEAD = { kind: 'sequence', labels: 1 } as const

/** A row's target: the bits of its number as float32, and how many of its ids are of the first text. */
export const numberTarget = (number: number, first: number): Int32Array =>
  Int32Array.of(new Int32Array(Float32Array.of(number).buffer)[0]!, first)

/** The number of such a target. */
export const numberOf = (target: Int32Array): number => new Float32Array(target.slice(0, 1).buffer)[0]!

/** A number for a text or a pair, by the head of an encoder: the mean of the squared differences over rows. */
export const number = (segments: boolean): Objective =>
  ofTexts(segments, {
    each: 'row',
    numbers: true,
    first: ({ target }) => target[1]!,
    targets: (rows) => ({
      target: Float32Array.from(rows, ({ target }) => numberOf(target)),
      target_mask: new Int32Array(rows.length).fill(1),
    }),
    loss(pass, inputs) {
      const mask = tf.cast(inputs.target_mask, 'float32') // [rows, 1]
      const differences = tf.sub(logitsOf(pass, inputs, HEAD), inputs.target)
      return tf.div(tf.sum(tf.mul(mask, tf.mul(differences, differences))), tf.sum(mask))
    },
    answers: (pass, inputs) => logitsOf(pass, inputs, HEAD),
    lossOf: ([answer], target) => ({ sum: (answer! - numberOf(target)) ** 2, weight: 1 }),
  })
