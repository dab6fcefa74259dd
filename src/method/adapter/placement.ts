import type { Site, Stack } from '../../backbone/hooks.js'
import { siteName } from '../../backbone/hooks.js'
import { type BackboneConfig, backboneSites } from '../../backbone/registry.js'
import { type Layers, layerNumbers, type Placement } from '../options/shared.js'

/** Returns the sites of a placement: encoder first, by layer, in the placement's order of sublayers. */
export function sites(placement: Placement, config: BackboneConfig): Site[] {
  const known = new Set(backboneSites(config).map(siteName))
  const inStack = (stack: Stack, layers: Layers, count: number): Site[] =>
    layerNumbers(layers, count).flatMap((layer) =>
      placement.sublayers
        .map((sublayer): Site => ({ stack, layer, sublayer }))
        .filter((site) => known.has(siteName(site))),
    )
  return [
    ...inStack('encoder', placement.encoder_layers, config.encoderLayers),
    ...inStack('decoder', placement.decoder_layers, config.decoderLayers),
  ]
}
