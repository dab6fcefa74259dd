import type { BackboneConfig } from '../../backbone/registry.js'
import { type MethodOptions, methodProblems } from '../../method/options.js'
import { type LayerCost, PRICED_ROWS } from './trial.js'

/** Returns a config of the same dimensions with so many layers in each stack. */
export const withLayers = (config: BackboneConfig, layers: number): BackboneConfig => ({
  ...config,
  encoderLayers: layers,
  decoderLayers: Math.min(layers, config.decoderLayers),
})

/** Layers between the two backbones that are measured: the more, the less does an error of measurement count. */
const APART = 3

/**
 * Returns two small numbers of layers with which the method fits the backbone; the backbone's own where there are no
 * such, or where its stacks have different numbers.
 */
export function fewLayers(config: BackboneConfig, options: MethodOptions): number[] {
  const { encoderLayers, decoderLayers } = config
  if (decoderLayers !== 0 && decoderLayers !== encoderLayers) return [encoderLayers]
  const fits = (layers: number) => methodProblems(options, withLayers(config, layers)).length === 0
  for (let layers = 1; layers + APART < encoderLayers; layers++)
    if (fits(layers) && fits(layers + APART)) return [layers, layers + APART]
  return [encoderLayers]
}

/**
 * Extends what was measured to all layers and a whole batch: time is in proportion to the rows, memory along the line
 * through two batches, and both along the line through two numbers of layers, which are alike.
 */
export function extended(
  costs: readonly LayerCost[],
  layers: number,
  rows: number,
): { seconds: number; bytes: number } {
  const [small, large] = PRICED_ROWS
  const along = (of: (cost: LayerCost) => number) =>
    line(
      costs.map((cost) => [cost.layers, of(cost)]),
      layers,
    )
  const bytesOf = ({ bytes }: LayerCost) =>
    line(
      [
        [small, bytes[0]],
        [large, bytes[1]],
      ],
      rows,
    )
  return { seconds: along(({ seconds }) => seconds) * (rows / large), bytes: along(bytesOf) }
}

/** Returns the value at `x` of the line through the first and the last point, which never falls. */
function line(points: [x: number, y: number][], x: number): number {
  const [first, last] = [points[0]!, points.at(-1)!]
  if (first[0] === last[0]) return last[1]
  const slope = Math.max(0, (last[1] - first[1]) / (last[0] - first[0]))
  return last[1] + slope * (x - last[0])
}
