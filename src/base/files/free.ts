import { lstatSync, statSync } from 'node:fs'
import { UserError } from '../error.js'
import { isStream, specialKind } from './special_file.js'
import { writeError } from './write_error.js'

/**
 * Checks that a path can be written to. A device or a pipe is always free: it is written into, not replaced.
 * @throws UserError for an existing file, unless `force`, and for anything that is not a file; it names the flag that
 *   the path came from.
 */
export function checkFree(path: string, force: boolean, flag = '--output'): void {
  const kind = whatIsAt(path)
  if (kind === 'nothing' || kind === 'a stream') return
  if (kind !== 'a file') throw new UserError({ at: path, problem: `is ${kind}.`, remedy: `Choose another ${flag}.` })
  if (!force) throw new UserError({ at: path, problem: 'exists already.', remedy: 'Replace it with --force.' })
}

function whatIsAt(path: string): string {
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) return 'nothing'
    if (isStream(path)) return 'a stream'
    const stats = statSync(path, { throwIfNoEntry: false })
    return (stats && specialKind(stats)) ?? 'a file' // a link that leads nowhere is replaced as a file is
  } catch (error) {
    throw writeError(path, error)
  }
}
