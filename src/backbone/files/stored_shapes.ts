import { UserError } from '../../base/error.js'
import { openSafetensors } from '../../base/safetensors/safetensors.js'
import { findWeights } from './weight_files.js'

/**
 * Returns the shapes of the tensors in a folder's weight files by their names; undefined where these are missing or
 * damaged, which is reported when they are opened.
 */
export function storedShapes(folder: string): Map<string, number[]> | undefined {
  try {
    return new Map(findWeights(folder).flatMap(shapesIn))
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

function shapesIn(file: string): [string, number[]][] {
  const opened = openSafetensors(file)
  try {
    return [...opened.entries.values()].map(({ name, shape }) => [name, shape])
  } finally {
    opened.close()
  }
}
