import { isAbsolute } from 'node:path'
import { backbonePresets } from '../../backbone/files/preset.js'
import { type BackboneConfig, parameterCount } from '../../backbone/registry.js'
import type { Experiment } from '../../experiment/schema.js'
import { knownConfig } from './price.js'

/**
 * Returns presets of a backbone's family that are smaller: the largest of them, and the one that comes with the
 * toolkit.
 */
export function smallerBackbones(backbone: Experiment['backbone']): { name: string; config: BackboneConfig }[] {
  const own = knownConfig(backbone)!
  const size = parameterCount(own)
  const smaller = backbonePresets()
    .filter(({ config }) => isLike(config, own) && parameterCount(config) < size)
    .toSorted((a, b) => parameterCount(b.config) - parameterCount(a.config))
  const chosen = new Set([smaller[0], smaller.find(({ source }) => isAbsolute(source))])
  return [...chosen].flatMap((preset) => (preset ? [{ name: preset.name, config: preset.config }] : []))
}

/** Whether two backbones differ in their sizes alone, as T5 v1.0 and v1.1 do not. */
function isLike(config: BackboneConfig, own: BackboneConfig): boolean {
  if (config.family !== own.family) return false
  if (config.family !== 't5' || own.family !== 't5') return true
  return config.tiedHead === own.tiedHead && config.gated === own.gated
}
