import { UserError } from '../../base/error.js'
import { openSafetensors } from '../../base/safetensors/safetensors.js'
import { findWeights } from './weight_files.js'

/**
 * Returns the names of the tensors in a folder's weight files; undefined where these are missing or damaged, which is
 * reported when they are opened.
 */
export function storedNames(folder: string): Set<string> | undefined {
  try {
    return new Set(findWeights(folder).flatMap(namesIn))
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

function namesIn(file: string): string[] {
  const opened = openSafetensors(file)
  try {
    return [...opened.entries.keys()]
  } finally {
    opened.close()
  }
}
