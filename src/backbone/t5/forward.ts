import type { EncoderDecoder } from '../encoder_decoder.js'
import type { T5Config } from './config.js'
import { decode, encode, head, remember } from './model.js'
import { relativeBucket } from './position.js'

export const t5Forward: EncoderDecoder<T5Config> = {
  encode,
  remember,
  decode,
  head,
  positions: ({ relativeBuckets, relativeMaxDistance }, stack) => ({
    bucket: (relative) => relativeBucket(relative, stack === 'encoder', relativeBuckets, relativeMaxDistance),
    furthest: relativeMaxDistance,
  }),
}
