import { join } from 'node:path'
import { changedKeys } from '../../experiment/method_name.js'
import { factsOf } from '../../run/compare/settings.js'
import { runFiles } from '../../run/directory.js'
import { readManifest } from '../../run/records.js'
import type { CellRow } from './results.js'

/**
 * Returns a sentence for each finished cell that is averaged with others though it was trained on other rows or weights
 * than the first of them: files can change while a sweep runs. Cells without a readable manifest are skipped.
 */
export function unlikeCells(folder: string, rows: readonly (readonly CellRow[])[]): string[] {
  return rows.flatMap((cells) => {
    const known = cells.flatMap(({ name, state }) => {
      const facts = state === 'finished' && factsAt(join(folder, name))
      return facts ? [{ name, facts }] : []
    })
    const [first, ...others] = known
    return others.flatMap(({ name, facts }) => {
      const differing = changedKeys(facts, first!.facts)
      if (differing.length === 0) return []
      return [`${name} has other ${differing.join(' and ')} than ${first!.name}; their mean is of unlike runs.`]
    })
  })
}

function factsAt(folder: string): Map<string, unknown> | undefined {
  try {
    const manifest = readManifest(runFiles(folder))
    return manifest && factsOf(manifest)
  } catch {
    return undefined
  }
}
