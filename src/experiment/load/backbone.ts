import { existsSync } from 'node:fs'
import { backbonePreset, readConfig } from '../../backbone/files/preset.js'
import type { BackboneConfig } from '../../backbone/registry.js'
import { type Complaint, UserError } from '../../base/error.js'
import { presetNames } from '../../base/presets.js'
import { OWNED_HUB_ID } from '../../hub/id.js'
import { resolvePlace } from '../places.js'
import { type Fault, shown, suggestion } from '../wording.js'

interface ResolvedBackbone {
  /** A preset or hub id as given, or a directory as an absolute path. */
  name: string
  /** Undefined for a hub id that is not a preset's, and where there are faults. */
  config?: BackboneConfig
  faults: Fault[]
}

/** Finds a preset, a directory (relative to `folder`) or a hub id. Faults of its config.json go into `complaints`. */
export function resolveBackbone(name: string, folder: string, complaints: Complaint[]): ResolvedBackbone {
  const preset = backbonePreset(name)
  if (preset) return { name, config: preset.config, faults: [] }
  const directory = resolvePlace(folder, name)
  if (existsSync(directory)) return inDirectory(directory, complaints)
  if (OWNED_HUB_ID.test(name)) return { name, faults: [] }
  return { name, faults: [unknownBackbone(name, directory)] }
}

function inDirectory(directory: string, complaints: Complaint[]): ResolvedBackbone {
  try {
    return { name: directory, config: readConfig(directory), faults: [] }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    complaints.push(error)
    return { name: directory, faults: [] }
  }
}

function unknownBackbone(name: string, directory: string): Fault {
  const path = ['backbone', 'name']
  if (/^\.{0,2}\//.test(name)) {
    return { path, problem: `backbone is ${shown(name)}; there is no such directory: ${directory}.` }
  }
  const problem = `backbone is ${shown(name)}; there is no such preset or directory, and a hub id is owner/name.`
  return { path, problem, remedy: suggestion(name, presetNames('backbones'), 'Presets') }
}
