import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../../base/error.js'
import { presetNames } from '../../base/presets.js'
import { HUB_ID } from '../../hub/id.js'
import type { HubOptions } from './hub.js'
import { backbonePreset } from './preset.js'

/**
 * Returns the folder of a backbone's files. `name` is a preset, a directory, or a Hugging Face model id, looked up in
 * this order; an id, also a preset's, is downloaded if the cache lacks it.
 * @throws UserError where it is none of the three, or the download fails.
 */
export async function locateBackbone(name: string, options: HubOptions = {}): Promise<string> {
  const source = backbonePreset(name)?.source ?? name
  if (isFolder(source)) return resolve(source)
  const presets = presetNames('backbones')
  if (!HUB_ID.test(source)) {
    throw new UserError({
      at: name,
      problem: 'is not a preset, a folder or a Hugging Face model id.',
      remedy: `Presets: ${presets.join(', ')}.`,
    })
  }
  const { downloadModel } = await import('./hub.js') // here: a folder needs no network code
  return downloadModel(source, { presets, ...options })
}

/** Whether a backbone's files are in a folder or in the cache. */
export async function backboneIsHere(name: string): Promise<boolean> {
  const source = backbonePreset(name)?.source ?? name
  if (isFolder(source)) return true
  const { modelIsCached } = await import('./hub.js')
  return modelIsCached(source)
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
