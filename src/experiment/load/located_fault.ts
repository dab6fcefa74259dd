import type { Complaint } from '../../base/error.js'
import type { Path } from '../../base/yaml/source.js'
import { type Fault, shown, valueAt } from '../wording.js'
import type { Origin } from './origin.js'

/**
 * Returns a fault with its place. Where several values do not fit together, it is at the one that the user wrote, with
 * the value from the preset in words: the file of a preset is not the user's to edit.
 */
export function locatedFault(
  { path, involved = [], problem, remedy }: Fault,
  origin: (path: Path) => Origin,
  tree: unknown,
): Complaint & { at: string } {
  const { at, own } = origin(path)
  const written = own ? undefined : involved.find((other) => origin(other).own)
  const told = { at: written ? origin(written).at : at, ...(remedy && { remedy }) }
  const value = valueAt(tree, path)
  if (!written || value === undefined) return { ...told, problem }
  return { ...told, problem: `${problem} The preset has ${path.join('.')}: ${shown(value)}.` }
}
