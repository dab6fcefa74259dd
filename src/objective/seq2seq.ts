import { decode, encode, head, remember } from '../backbone/forward.js'
import type { Pass } from '../backbone/pass.js'
import { withDecoder } from '../backbone/registry.js'
import { crossEntropy } from '../tensor/cross_entropy.js'
import tf from '../tensor/tf.cjs'
import { counted, type Inputs, longestOf, maskOf, type Objective, padded } from './objective.js'

/**
 * A target text for a source text, learnt token by token: the mean cross-entropy over target tokens, </s> included. A
 * text may contain the padding id as a token like any other.
 */
export const seq2seq: Objective = {
  inputs: { source: 'source', source_mask: 'source', target: 'target', target_mask: 'target' },
  numbers: false,
  lengths: longestOf,
  pad(rows, lengths, padId) {
    const sources = rows.map(({ source }) => source)
    const targets = rows.map(({ target }) => target)
    return {
      source: padded(sources, lengths.source, padId),
      source_mask: maskOf(sources, lengths.source),
      target: padded(targets, lengths.target, padId),
      target_mask: maskOf(targets, lengths.target),
    }
  },
  loss(pass, tensors, labelSmoothing) {
    const [labels, mask] = [tensors.target, tensors.target_mask].map(
      (tensor) => tf.reshape(tensor, [-1]) as tf.Tensor1D,
    )
    return crossEntropy(teacherForced(pass, tensors), labels!, mask!, labelSmoothing)
  },
  weight: ({ target_mask }) => counted(target_mask),
}

/** Logits [batch·target length, vocabulary] of a decoder that reads the target itself, moved right by one. */
export function teacherForced(
  pass: Pass,
  { source, source_mask, target }: Omit<Inputs<tf.Tensor2D>, 'target_mask'>,
): tf.Tensor2D {
  const memory = remember(pass, encode(pass, source, source_mask), target.shape[1])
  return head(pass, decode(pass, shiftRight(pass, target), memory).hidden)
}

/** The decoder's input: labels moved right by one, the start token in front. labels, result [batch, length] int32 */
function shiftRight(pass: Pass, labels: tf.Tensor2D): tf.Tensor2D {
  const [batch, length] = labels.shape
  const start = tf.fill([batch, 1], withDecoder(pass.config).decoderStartId, 'int32') as tf.Tensor2D
  return tf.concat([start, tf.slice(labels, [0, 0], [batch, length - 1])], 1)
}
