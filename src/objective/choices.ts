import type { Pass } from '../backbone/pass.js'
import { crossEntropy } from '../tensor/cross_entropy.js'
import tf from '../tensor/tf.cjs'
import { type EncodedText, logitsOf, paddedTexts, textInputs, textNames } from './encoded.js'
import { counted, type Inputs, type Objective, type RowIds } from './objective.js'

const HEAD = { kind: 'choice', labels: 1 } as const

/** A row of which every choice is a text: their ids one after the other, and which of them is right. */
export function choicesRow(texts: readonly EncodedText[], right: number): RowIds {
  const source = new Int32Array(texts.reduce((sum, { ids }) => sum + ids.length, 0))
  let at = 0
  for (const { ids } of texts) {
    source.set(ids, at)
    at += ids.length
  }
  return { source, target: Int32Array.from([right, ...texts.flatMap(({ ids, first }) => [ids.length, first])]) }
}

/** The texts of a row that `choicesRow` made. */
function textsOf({ source, target }: RowIds): EncodedText[] {
  const texts: EncodedText[] = []
  let at = 0
  for (let i = 1; i < target.length; i += 2) {
    const [length, first] = [target[i]!, target[i + 1]!]
    texts.push({ ids: source.subarray(at, at + length), first })
    at += length
  }
  return texts
}

/**
 * One of a row's own choices, each a text to the head of an encoder: the mean cross-entropy over rows. Sources are
 * [rows, choices·length]; a row with fewer choices than another is filled up with empty ones, which have no part in it.
 */
export const choices = (segments: boolean): Objective => ({
  inputs: { ...textInputs(segments), target: 'target', target_mask: 'target' },
  numbers: false,
  lengths(rows, pad) {
    const texts = rows.map(textsOf)
    const most = Math.max(...texts.map(({ length }) => length))
    const longest = Math.max(...texts.flat().map(({ ids }) => ids.length))
    return { source: most * Math.floor(pad(most * longest, most).source / most), target: most }
  },
  pad(rows, { source, target: most }, padId) {
    const texts = rows.map(textsOf)
    const empty = { ids: new Int32Array(0), first: 0 }
    const filled = texts.flatMap((row) => Array.from({ length: most }, (_, i) => row[i] ?? empty))
    const target = new Int32Array(rows.length * most)
    const target_mask = new Int32Array(rows.length * most)
    for (const [i, row] of rows.entries()) {
      target[i * most] = row.target[0]!
      target_mask.fill(1, i * most, i * most + texts[i]!.length)
    }
    return { ...paddedTexts(filled, source / most, padId, segments), target, target_mask }
  },
  loss(pass, inputs, labelSmoothing) {
    const [rows] = inputs.target.shape
    const right = tf.reshape(tf.slice(inputs.target, [0, 0], [rows, 1]), [-1]) as tf.Tensor1D
    const counts = tf.reshape(tf.slice(inputs.target_mask, [0, 0], [rows, 1]), [-1]) as tf.Tensor1D
    return crossEntropy(scores(pass, inputs), right, counts, labelSmoothing)
  },
  weight: ({ target_mask }, { target: most }) => counted(target_mask.filter((_, i) => i % most === 0)),
  asks: [...textNames(segments), 'target_mask'],
  answers: (pass, inputs) => tf.logSoftmax(scores(pass, inputs)),
  lossOf: (answers, [right]) => ({ sum: -answers[right!]!, weight: 1 }),
})

/** The scores of each row's choices [rows, choices]. */
function scores(pass: Pass, { source, source_mask, segments, target_mask }: Inputs<tf.Tensor2D>): tf.Tensor2D {
  const [rows, most] = target_mask.shape
  const each = (x: tf.Tensor2D) => tf.reshape(x, [rows * most, -1]) as tf.Tensor2D
  const texts = { source: each(source), source_mask: each(source_mask), ...(segments && { segments: each(segments) }) }
  const logits = tf.reshape(logitsOf(pass, texts, HEAD), [rows, most]) as tf.Tensor2D
  return tf.add(logits, tf.mul(tf.sub(tf.cast(target_mask, 'float32'), 1), 1e9))
}
