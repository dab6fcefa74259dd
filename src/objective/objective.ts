import type tf from '@tensorflow/tfjs-core'
import type { Pass } from '../backbone/pass.js'

/** What a training asks of a backbone: the inputs of a batch, and the loss that is made of them. */
export interface Objective<Input extends string, Length extends string> {
  /** The inputs of a batch, each int32 [rows, length], by name; the value names the length, which several may share. */
  inputs: Record<Input, Length>
  /**
   * The mean loss of a batch [], in nats. `labelSmoothing` is the share of probability that is spread over all classes.
   */
  loss(pass: Pass, inputs: Record<Input, tf.Tensor2D>, labelSmoothing?: number): tf.Scalar
  /** How much rows count in the mean loss of a batch that they are part of. */
  weight(inputs: Record<Input, Int32Array>): number
}
