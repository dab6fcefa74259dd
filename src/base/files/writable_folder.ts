import { existsSync, mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UserError } from '../error.js'
import { specialKind } from './special_file.js'
import { writeError } from './write_error.js'

/**
 * Checks that a folder can be made, or written into, now and not after long work. `what` will be written there, and
 * `flag` names the folder.
 * @throws UserError that says why not.
 */
export function checkWritableFolder(folder: string, what: string, flag: string): void {
  let existing = resolve(folder)
  while (!existsSync(existing)) existing = dirname(existing)
  const kind = specialKind(statSync(existing))
  const refused = (reason: string, options?: ErrorOptions) => {
    const problem = `${what} can't be written there: ${reason}`
    return new UserError({ at: folder, problem, remedy: `Choose another folder with ${flag}.` }, options)
  }
  if (kind !== 'a folder') throw refused(`${existing} is ${kind ?? 'a file'}, not a folder.`)
  try {
    rmdirSync(mkdtempSync(join(existing, '.compacter-'))) // tried, since not every file system reports its permissions
  } catch (error) {
    throw refused(reasonOf(error, existing), { cause: error })
  }
}

function reasonOf(error: unknown, existing: string): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${existing} takes no new folders.` // as /proc
  const known = writeError(existing, error)
  return known instanceof UserError ? known.problem : `${(error as Error).message}.`
}
