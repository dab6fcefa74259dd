import type tf from '@tensorflow/tfjs-core'
import { bertForward } from './bert/forward.js'
import { debertaForward } from './deberta/forward.js'
import type { Contextual, Encoder, EncoderInputs, LengthConstant } from './encoder.js'
import type { Encoded, EncoderDecoder, KeyValue, Memory, PositionBuckets } from './encoder_decoder.js'
import type { Head } from './family.js'
import type { Stack } from './hooks.js'
import { modernBertForward } from './modernbert/forward.js'
import type { Pass } from './pass.js'
import {
  type BackboneConfig,
  type EncoderOnlyConfig,
  onlyEncoder,
  type Seq2SeqConfig,
  withDecoder,
} from './registry.js'
import { t5Forward } from './t5/forward.js'

/** The forward pass of every family. */
const encoderDecoders: { [Name in Seq2SeqConfig['family']]: EncoderDecoder<Extract<Seq2SeqConfig, { family: Name }>> } =
  { t5: t5Forward }
const encoders: { [Name in EncoderOnlyConfig['family']]: Encoder<Extract<EncoderOnlyConfig, { family: Name }>> } = {
  bert: bertForward,
  deberta: debertaForward,
  modernbert: modernBertForward,
}

const forwardOf = (config: BackboneConfig): EncoderDecoder<Seq2SeqConfig> => encoderDecoders[withDecoder(config).family]

const encoderOf = (config: BackboneConfig) =>
  encoders[onlyEncoder(config).family] as unknown as Encoder<EncoderOnlyConfig>

/** A pass with a backbone of that kind. */
const seq2seqPass = (pass: Pass) => pass as unknown as Pass<Seq2SeqConfig>
const encoderPass = (pass: Pass) => pass as unknown as Pass<EncoderOnlyConfig>

/** Runs the encoder; see EncoderDecoder, as for what follows. */
export const encode = (pass: Pass, ids: tf.Tensor2D, mask: tf.Tensor2D): Encoded =>
  forwardOf(pass.config).encode(seq2seqPass(pass), ids, mask)

export function remember(pass: Pass, encoded: Encoded): { layers: KeyValue[]; mask: tf.Tensor4D }
export function remember(pass: Pass, encoded: Encoded, queries: number): Memory
export function remember(pass: Pass, encoded: Encoded, queries?: number): Memory {
  const forward = forwardOf(pass.config)
  const own = seq2seqPass(pass)
  return queries === undefined ? forward.remember(own, encoded) : forward.remember(own, encoded, queries)
}

export const decode = (pass: Pass, ids: tf.Tensor2D, memory: Memory, past?: KeyValue[]) =>
  forwardOf(pass.config).decode(seq2seqPass(pass), ids, memory, past)

export const head = (pass: Pass, hidden: tf.Tensor2D): tf.Tensor2D =>
  forwardOf(pass.config).head(seq2seqPass(pass), hidden)

export const positionBuckets = (config: BackboneConfig, stack: Stack): PositionBuckets =>
  forwardOf(config).positions(withDecoder(config), stack)

/** Runs the encoder of a family that only encodes; see Encoder, as for what follows. */
export const contextual = (pass: Pass, inputs: EncoderInputs, head: Head): Contextual =>
  encoderOf(pass.config).contextual(encoderPass(pass), inputs, head)

export const headLogits = (pass: Pass, encoded: Contextual, head: Head): tf.Tensor2D =>
  encoderOf(pass.config).headLogits(encoderPass(pass), encoded, head)

export const lengthConstants = (config: BackboneConfig): LengthConstant[] =>
  encoderOf(config).lengthConstants(onlyEncoder(config))
