import type tf from '@tensorflow/tfjs-core'
import type { EncoderConfig, Head } from './family.js'
import type { Pass } from './pass.js'

/**
 * A batch of token ids, each [batch, length], int32. The mask is 1 at tokens and 0 at padding. Segments say of each
 * token which text of a pair it is of; the first where they are left out.
 */
export interface EncoderInputs {
  ids: tf.Tensor2D
  mask: tf.Tensor2D
  segments?: tf.Tensor2D
}

/** An encoded batch. */
export interface Contextual {
  /**
   * [batch·(prompt + length), d], where a prompt's vectors follow the first token of each row; or the first tokens
   * alone [batch, d], where the head reads no others.
   */
  hidden: tf.Tensor2D
  /** [batch, prompt + length] int32, 1 at tokens and at the prompt. */
  mask: tf.Tensor2D
  batch: number
  /** Vectors of the method's prompt in each row. */
  prompt: number
}

/**
 * A constant of a forward pass that depends on nothing but the length of its rows, for a graph that makes it for any
 * length. Values are equal from the distance `furthest` on.
 */
export type LengthConstant =
  /** int32 [perToken·length]: element `at` is `value` of the distance start·length + step·at. */
  | { kind: 'list'; perToken: number; start: number; step: number; value(distance: number): number; furthest: number }
  /** float32 [1, 1, length, length]: `value` of key − query. */
  | { kind: 'pairs'; value(relative: number): number; furthest: number }
  /** float32 [1, 1, length, frequencies]: a function of position times frequency, both in float32. */
  | { kind: 'angles'; frequencies: Float32Array; of: 'cos' | 'sin' }

/** The forward pass of a family that only encodes, as pure functions of a pass. */
export interface Encoder<Config extends EncoderConfig> {
  /** Runs the encoder for a head: what the head does not read need not leave the last layer. */
  contextual(pass: Pass<Config>, inputs: EncoderInputs, head: Head): Contextual
  /**
   * Returns the logits of a head: [batch, labels] of a sequence, [batch·length, labels] of tokens, [batch, 1] of a
   * choice.
   */
  headLogits(pass: Pass<Config>, encoded: Contextual, head: Head): tf.Tensor2D
  lengthConstants(config: Config): LengthConstant[]
}
