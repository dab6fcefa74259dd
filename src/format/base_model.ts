import { backbonePreset } from '../backbone/files/preset.js'
import type { Progress } from '../base/progress.js'
import { shortened } from '../base/text/shortened.js'

/**
 * Warns where a folder names another model than `backbone` as the one that it was trained on. It is no refusal: a model
 * has another path on every machine, and other weights of the same shape show only in the scores.
 */
export function warnOfOtherModel(path: string, named: string, backbone: string, { warn }: Progress): void {
  const given = [backbone, backbonePreset(backbone)?.source ?? backbone].map(modelName)
  if (given.includes(modelName(named))) return
  warn(
    `${path} names ${shortened(named)} as the model that it was trained on; the backbone here is ${backbone}. ` +
      'If these are other weights, its scores mean nothing: name that model with --backbone then.',
  )
}

/** The last part of a hub id or of a path; a snapshot in the hub's cache has the name of its repository. */
function modelName(place: string): string {
  const parts = place.split(/[\\/]+/).filter((part) => part !== '' && part !== '.')
  const repository = parts.findLast((part) => part.startsWith('models--'))
  return (repository?.split('--').at(-1) ?? parts.at(-1) ?? place).toLowerCase()
}
