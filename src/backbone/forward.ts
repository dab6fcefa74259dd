import type tf from '@tensorflow/tfjs-core'
import type { Encoded, EncoderDecoder, KeyValue, Memory, PositionBuckets } from './encoder_decoder.js'
import type { Stack } from './hooks.js'
import type { Pass } from './pass.js'
import type { BackboneConfig, FamilyName } from './registry.js'
import { t5Forward } from './t5/forward.js'

type Forward = EncoderDecoder<BackboneConfig>

/** The forward pass of every family. */
const forwards: { [Name in FamilyName]: EncoderDecoder<Extract<BackboneConfig, { family: Name }>> } = { t5: t5Forward }

const forwardOf = (config: BackboneConfig): Forward => forwards[config.family]

/** Runs the encoder; see EncoderDecoder, as for what follows. */
export const encode: Forward['encode'] = (pass, ids, mask) => forwardOf(pass.config).encode(pass, ids, mask)

export function remember(pass: Pass, encoded: Encoded): { layers: KeyValue[]; mask: tf.Tensor4D }
export function remember(pass: Pass, encoded: Encoded, queries: number): Memory
export function remember(pass: Pass, encoded: Encoded, queries?: number): Memory {
  const forward = forwardOf(pass.config)
  return queries === undefined ? forward.remember(pass, encoded) : forward.remember(pass, encoded, queries)
}

export const decode: Forward['decode'] = (pass, ids, memory, past) =>
  forwardOf(pass.config).decode(pass, ids, memory, past)

export const head: Forward['head'] = (pass, hidden) => forwardOf(pass.config).head(pass, hidden)

export const positionBuckets = (config: BackboneConfig, stack: Stack): PositionBuckets =>
  forwardOf(config).positions(config, stack)
