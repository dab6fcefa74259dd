import { decode, encode, head, remember } from '../backbone/forward.js'
import type { Pass } from '../backbone/pass.js'
import { withDecoder } from '../backbone/registry.js'
import { crossEntropy } from '../tensor/cross_entropy.js'
import tf from '../tensor/tf.cjs'
import type { Objective } from './objective.js'

/** Token ids of source and target, and which of them are tokens (1) and which padding (0). */
const inputs = { source: 'source', source_mask: 'source', target: 'target', target_mask: 'target' } as const

export type Seq2SeqInput = keyof typeof inputs
export type Seq2SeqLength = (typeof inputs)[Seq2SeqInput]
type Tensors = Record<Seq2SeqInput, tf.Tensor2D>

/** A target text for a source text, learnt token by token: the mean cross-entropy over target tokens, </s> included. */
export const seq2seq: Objective<Seq2SeqInput, Seq2SeqLength> = {
  inputs,
  loss(pass, tensors, labelSmoothing) {
    const [labels, mask] = [tensors.target, tensors.target_mask].map(
      (tensor) => tf.reshape(tensor, [-1]) as tf.Tensor1D,
    )
    return crossEntropy(teacherForced(pass, tensors), labels!, mask!, labelSmoothing)
  },
  weight: ({ target_mask }) => target_mask.reduce((sum, token) => sum + token, 0),
}

/** Logits [batch·target length, vocabulary] of a decoder that reads the target itself, moved right by one. */
export function teacherForced(pass: Pass, { source, source_mask, target }: Tensors): tf.Tensor2D {
  const memory = remember(pass, encode(pass, source, source_mask), target.shape[1])
  return head(pass, decode(pass, shiftRight(pass, target), memory).hidden)
}

/** The decoder's input: labels moved right by one, the start token in front. labels, result [batch, length] int32 */
function shiftRight(pass: Pass, labels: tf.Tensor2D): tf.Tensor2D {
  const [batch, length] = labels.shape
  const start = tf.fill([batch, 1], withDecoder(pass.config).decoderStartId, 'int32') as tf.Tensor2D
  return tf.concat([start, tf.slice(labels, [0, 0], [batch, length - 1])], 1)
}
