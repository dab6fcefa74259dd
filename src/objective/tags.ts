import tf from '../tensor/tf.cjs'
import { classLoss, logitsOf, ofTexts } from './encoded.js'
import type { Objective } from './objective.js'

/** A word as a row's target has it. */
export interface TaggedWord {
  /** Which of the tags it has, −1 for another one. */
  tag: number
  /** Which of the row's ids is its first piece; −1 where the row has none of it. */
  place: number
}

/** A row's target: tag and place of each of its words. */
export const tagsTarget = (words: readonly TaggedWord[]): Int32Array =>
  Int32Array.from(words.flatMap(({ tag, place }) => [tag, place]))

/** The words of such a target. */
export const wordsIn = (target: Int32Array): TaggedWord[] =>
  Array.from({ length: target.length / 2 }, (_, i) => ({ tag: target[2 * i]!, place: target[2 * i + 1]! }))

/**
 * A tag for each word of a text, by the head of an encoder: the mean cross-entropy over the first pieces of words, as
 * in transformers' run_ner. Other pieces, and words with another tag, have no part in it.
 */
export const tags = (count: number, segments: boolean): Objective => {
  const head = { kind: 'tokens', labels: count } as const
  return ofTexts(segments, {
    each: 'token',
    numbers: false,
    first: ({ source }) => source.length,
    targets(rows, length) {
      const target = new Int32Array(rows.length * length)
      const target_mask = new Int32Array(rows.length * length)
      for (const [row, words] of rows.map(({ target }) => wordsIn(target)).entries()) {
        for (const { tag, place } of words) {
          if (tag < 0 || place < 0) continue
          target[row * length + place] = tag
          target_mask[row * length + place] = 1
        }
      }
      return { target, target_mask }
    },
    loss: classLoss(head),
    answers: (pass, inputs) => {
      const [rows] = inputs.source.shape
      return tf.reshape(tf.logSoftmax(logitsOf(pass, inputs, head)), [rows, -1]) as tf.Tensor2D
    },
    lossOf(answers, target) {
      const counted = wordsIn(target).filter(({ tag, place }) => tag >= 0 && place >= 0)
      const sum = counted.reduce((sum, { tag, place }) => sum - answers[place * count + tag]!, 0)
      return { sum, weight: counted.length }
    },
    places: (target) => wordsIn(target).map(({ place }) => place),
  })
}
