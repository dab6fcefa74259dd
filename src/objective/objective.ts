import type tf from '@tensorflow/tfjs-core'
import type { Pass } from '../backbone/pass.js'

/** The lengths that a batch's inputs have. */
export type LengthName = 'source' | 'target'

/** What a batch holds, by name: ids and which of them are tokens (1) and which padding (0). */
export interface Inputs<T, Target = T> {
  source: T
  source_mask: T
  target: Target
  target_mask: T
  /** Which text of a pair each token is of, 0 or 1, for an encoder. */
  segments?: T
}

export type InputName = keyof Inputs<unknown>
export type Lengths = Record<LengthName, number>
/** Values of a target: ids, or the numbers that a regression learns. */
export type TargetValues = Int32Array | Float32Array
/** A batch's values. */
export type InputValues = Inputs<Int32Array, TargetValues>

/** One row without padding. */
export interface RowIds {
  source: Int32Array
  target: Int32Array
}

/** A part of the mean loss, of a row or a batch: the sum over its rows, words or tokens, and how much it counts. */
export interface RowLoss {
  sum: number
  weight: number
}

/** What a training asks of a backbone: the inputs of a batch, and the loss that is made of them. */
export interface Objective {
  /** The length of each input; inputs are [rows, length]. */
  inputs: Inputs<LengthName>
  /** Whether targets are float32; all other inputs are int32. */
  numbers: boolean
  /** Returns the lengths that hold these rows. `pad` rounds the longest source and target. */
  lengths(rows: RowIds[], pad: (source: number, target: number) => Lengths): Lengths
  /** Pads rows on the right to these lengths, sources with the backbone's padding id. */
  pad(rows: RowIds[], lengths: Lengths, padId: number): InputValues
  /**
   * The mean loss of a batch []: cross-entropy in nats, or for numbers the squared difference. `labelSmoothing` is the
   * share of probability that is spread over all classes.
   */
  loss(pass: Pass, inputs: Inputs<tf.Tensor2D>, labelSmoothing?: number): tf.Scalar
  /** How much rows count in the mean loss of a batch that they are part of. */
  weight(inputs: InputValues, lengths: Lengths): number
  /**
   * What a head says of each row [rows, …]: the log-likelihoods of labels or choices in nats, or a number; of tags
   * [rows, length·tags]. Undefined where a text is decoded.
   */
  answers?(pass: Pass, inputs: Inputs<tf.Tensor2D>): tf.Tensor2D
  /** Returns what a row adds to the loss, from what `answers` says of it and its target. */
  lossOf?(answers: readonly number[], target: Int32Array): RowLoss
  /** The inputs that `answers` reads. */
  asks?: readonly InputName[]
  /**
   * Which of a row's tokens answers for each of its words, from the row's target; −1 for a word that was not read.
   * Undefined where a row has one answer.
   */
  places?(target: Int32Array): number[]
}

/** Returns ids of rows one after the other, each padded on the right with `value` to `length`. */
export function padded(rows: readonly Int32Array[], length: number, value: number): Int32Array {
  const ids = new Int32Array(rows.length * length).fill(value)
  for (const [i, row] of rows.entries()) ids.set(row, i * length)
  return ids
}

/** Returns 1 at each row's ids and 0 at its padding to `length`. */
export function maskOf(rows: readonly Int32Array[], length: number): Int32Array {
  const ones = new Int32Array(rows.length * length)
  for (const [i, row] of rows.entries()) ones.fill(1, i * length, i * length + row.length)
  return ones
}

/** How many tokens a mask marks. */
export const counted = (mask: Int32Array): number => mask.reduce((sum, token) => sum + token, 0)

/** The lengths of rows whose targets are as long as they look. */
export const longestOf: Objective['lengths'] = (rows, pad) => {
  const longest = (of: LengthName) => rows.reduce((most, row) => Math.max(most, row[of].length), 0)
  return pad(longest('source'), longest('target'))
}
