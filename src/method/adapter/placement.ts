import type { Site } from '../../backbone/hooks.js'
import type { T5Config } from '../../backbone/t5/config.js'
import { type Layers, layerNumbers, type Placement } from '../options.js'

/** The sites of a placement, encoder first, by layer, attention before feed-forward. */
export function sites(placement: Placement, config: T5Config): Site[] {
  const inStack = (stack: Site['stack'], layers: Layers, count: number): Site[] =>
    layerNumbers(layers, count).flatMap((layer) =>
      placement.sublayers
        .filter((sublayer) => stack === 'decoder' || sublayer !== 'cross_attention')
        .map((sublayer) => ({ stack, layer, sublayer })),
    )
  return [
    ...inStack('encoder', placement.encoder_layers, config.encoderLayers),
    ...inStack('decoder', placement.decoder_layers, config.decoderLayers),
  ]
}
