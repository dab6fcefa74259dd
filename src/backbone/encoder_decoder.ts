import type tf from '@tensorflow/tfjs-core'
import type { EncoderDecoderConfig } from './family.js'
import type { Stack } from './hooks.js'
import type { Pass } from './pass.js'

/**
 * Keys and values of one attention, each [batch, heads, length, d_kv]. Those of cross-attention include its prefix;
 * those that the decoder keeps of its own tokens do not.
 */
export type KeyValue = {
  keys: tf.Tensor4D
  values: tf.Tensor4D
}

/** An encoded batch: hidden [batch·length, d]; mask [batch, 1, 1, length], 0 at tokens and −1e9 at padding. */
export interface Encoded {
  hidden: tf.Tensor2D
  mask: tf.Tensor4D
  batch: number
}

/**
 * What one cross-attention reads of the encoder: keys and values, or the [batch, length, d] from which they would be
 * computed.
 */
export type Remembered = KeyValue | { encoded: tf.Tensor3D }

/** What the decoder reads of the encoder: the input of every layer's cross-attention, and the padding mask. */
export type Memory = {
  layers: Remembered[]
  mask: tf.Tensor4D
}

/** Buckets of a stack's relative positions, for a graph that looks them up for any length. */
export interface PositionBuckets {
  /** The bucket of key − query. */
  bucket(relative: number): number
  /** The distance from which on every position has the bucket of this one. */
  furthest: number
}

/** The forward pass of a family with an encoder and a decoder, as pure functions of a pass. */
export interface EncoderDecoder<Config extends EncoderDecoderConfig> {
  /**
   * Runs the encoder. ids and attentionMask [batch, length], int32, the mask 1 at tokens and 0 at padding. A prompt of
   * the method comes before each row.
   */
  encode(pass: Pass<Config>, ids: tf.Tensor2D, attentionMask: tf.Tensor2D): Encoded
  /**
   * Returns what every cross-attention reads, computed once for a batch however many tokens are decoded: keys and
   * values, unless it is known that there will be few `queries` per row.
   */
  remember(pass: Pass<Config>, encoded: Encoded): { layers: KeyValue[]; mask: tf.Tensor4D }
  remember(pass: Pass<Config>, encoded: Encoded, queries: number): Memory
  /**
   * Runs the decoder on ids [batch, length] that follow what `past` holds (keys and values of each layer's
   * self-attention). Returns hidden [batch·length, d] and the past that now includes these ids.
   */
  decode(
    pass: Pass<Config>,
    ids: tf.Tensor2D,
    memory: Memory,
    past?: KeyValue[],
  ): { hidden: tf.Tensor2D; past: KeyValue[] }
  /** Returns the logits of the decoder's output. hidden [rows, d] → [rows, vocabulary] */
  head(pass: Pass<Config>, hidden: tf.Tensor2D): tf.Tensor2D
  positions(config: Config, stack: Stack): PositionBuckets
}
