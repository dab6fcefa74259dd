import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '../base/error.js'
import { makeFolder } from '../base/files/atomic.js'
import { writeError } from '../base/files/write_error.js'
import { CARD } from '../run/card.js'

/**
 * Refuses an existing target now, not after long work. With `force`, exports may be replaced, but nothing else.
 * @throws UserError naming the target.
 */
export function checkTarget(target: string, force: boolean): void {
  if (!lstatSync(target, { throwIfNoEntry: false })) return
  if (!force) throw new UserError({ at: target, problem: 'exists already.', remedy: 'Replace it with --force.' })
  if (lstatSync(target).isDirectory() && existsSync(join(target, CARD))) return
  throw new UserError({
    at: target,
    problem: `is not an export: it has no ${CARD}.`,
    remedy: '--force replaces exports only. Choose another --out.',
  })
}

/**
 * Fills a hidden folder next to the target and renames it at the end, so that a folder with the target's name is whole.
 * @throws UserError where the target exists or cannot be written.
 */
export async function writeFolder(
  target: string,
  force: boolean,
  fill: (folder: string) => Promise<void> | void,
): Promise<void> {
  const path = resolve(target)
  checkTarget(path, force)
  const temporary = temporaryBeside(path)
  const filled = join(temporary, 'new')
  try {
    mkdirSync(filled)
    await fill(filled)
    syncFiles(filled)
    checkTarget(path, force) // again: something may have been put there meanwhile
    if (existsSync(path)) renameSync(path, join(temporary, 'old'))
    renameSync(filled, path)
  } catch (error) {
    throw writeError(path, underItsName(error, filled, path))
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Renames the file in an error about the hidden folder to the name that it was to get. */
function underItsName(error: unknown, hidden: string, path: string): unknown {
  if (!(error instanceof UserError) || !error.at?.startsWith(hidden)) return error
  const { problem, remedy } = error
  return new UserError(
    { at: `${path}${error.at.slice(hidden.length)}`, problem, ...(remedy && { remedy }) },
    { cause: error },
  )
}

/** Writes copied files and TensorFlow's to the disk before the folder gets its name: they are not synced yet. */
function syncFiles(folder: string): void {
  if (process.platform === 'win32') return // which syncs only what is open for writing
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const fd = openSync(join(folder, name), 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function temporaryBeside(path: string): string {
  try {
    makeFolder(dirname(path))
    return mkdtempSync(join(dirname(path), `.${basename(path)}.`))
  } catch (error) {
    throw writeError(path, error)
  }
}
