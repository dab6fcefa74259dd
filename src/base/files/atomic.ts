import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '../error.js'
import { openToRead } from './read.js'
import { isStream, openStream, refuseSpecial } from './special_file.js'
import { writeError } from './write_error.js'

/** Writes all of `bytes` at the file's position: one `write` may accept only a part of them. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done)
}

/** Makes a folder and those above it. @throws UserError where it can't be made. */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { recursive: true, mode })
  } catch (error) {
    throw writeError(path, whyNotMade(path, error))
  }
}

/** Where the folder above can't be made either, Node only says that it is missing; this returns the reason. */
function whyNotMade(path: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error
  let missing = resolve(path)
  while (!existsSync(dirname(missing))) missing = dirname(missing)
  try {
    mkdirSync(missing)
    return error
  } catch (reason) {
    return reason
  }
}

const COPIED_AT_ONCE = 1 << 22

/**
 * Copies a file.
 * @throws UserError where it can't be read or the copy can't be written; no part of a copy is left then.
 */
export function copyFile(from: string, to: string): void {
  const source = openToRead(from)
  try {
    writeAtomically(to, (fd) => {
      const piece = Buffer.allocUnsafe(COPIED_AT_ONCE)
      for (let count = readSync(source, piece); count > 0; count = readSync(source, piece))
        writeFully(fd, piece.subarray(0, count))
    })
  } finally {
    closeSync(source)
  }
}

// Windows lacks the last two.
const { O_APPEND, O_CREAT, O_EXCL, O_RDWR, O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

/** Opens a new file to write and read back, under a name that nothing has yet, not even a link. */
export const openNew = (path: string, mode = 0o666): number =>
  openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode)

/**
 * Opens a file to add to its end, and makes it where it is missing.
 * @throws UserError for a link, which could lead to any file, and for anything that is not a file.
 */
export function openToAppend(path: string): number {
  let fd: number | undefined
  try {
    refuseSpecial(path)
    fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o666)
    if (fstatSync(fd).isFile()) return fd
    throw new UserError({ at: path, problem: 'is not a file.', remedy: 'Delete it.' })
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    throw writeError(path, error)
  }
}

/**
 * Adds all of `data` to a file or none of it, and makes the file where it is missing.
 * @throws UserError where it can't be written.
 */
export function append(path: string, data: string | Uint8Array): void {
  const fd = openToAppend(path)
  try {
    appendTo(fd, typeof data === 'string' ? Buffer.from(data) : data)
  } catch (error) {
    throw writeError(path, error)
  } finally {
    closeSync(fd)
  }
}

function appendTo(fd: number, bytes: Uint8Array): void {
  const { size } = fstatSync(fd)
  try {
    writeFully(fd, bytes)
  } catch (error) {
    ftruncateSync(fd, size)
    throw error
  }
}

/** Makes sure that what was written to a file so far is on the disk. @throws UserError where that fails. */
export function syncFile(path: string): void {
  try {
    const fd = openSync(path, 'r+')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw writeError(path, error)
  }
}

/** A file that gets its name only when it is committed. */
export interface AtomicFile {
  fd: number
  /** Syncs and renames the file. @throws UserError as `openAtomically`. */
  commit(): void
  /** Removes the temporary file, unless it was committed. */
  abandon(): void
}

export interface WriteOptions {
  /** The user named the path, so a device, a pipe or /dev/stdout is written into. Otherwise these are refused. */
  streams?: boolean
}

/**
 * Opens a file to be written over a longer time, under a temporary name in the same folder.
 * @throws UserError where the folder is missing or can't be written to, or the path is something other than a file.
 */
export function openAtomically(path: string, { streams = false }: WriteOptions = {}): AtomicFile {
  const temporary = temporaryName(path)
  let fd: number
  try {
    if (streams && isStream(path)) return openDirectly(path)
    refuseSpecial(path)
    fd = openNew(temporary)
  } catch (error) {
    throw writeError(path, error)
  }
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  const abandon = () => {
    try {
      close()
    } catch {} // a file that is thrown away may stay incomplete
    remove(temporary)
  }
  return {
    fd,
    abandon,
    commit() {
      try {
        fsyncSync(fd)
        close()
        refuseSpecial(path) // again: something may have been put there meanwhile
        renameSync(temporary, path)
        syncFolder(dirname(path))
      } catch (error) {
        abandon()
        throw writeError(path, error)
      }
    },
  }
}

function openDirectly(path: string): AtomicFile {
  const fd = openStream(path)
  const close = () => closeSync(fd)
  return { fd, commit: close, abandon: close }
}

/**
 * Writes a file so that a reader sees the old one or the whole new one, even after a crash or a power cut: the data
 * goes to a temporary name in the same folder, is synced and renamed, and the folder is synced. If `data` is a
 * function, it gets the descriptor and writes to it.
 * @throws UserError where the disk is full, or the folder is missing or can't be written to; and as `openAtomically`.
 */
export function writeAtomically(
  path: string,
  data: string | Uint8Array | ((fd: number) => void),
  options?: WriteOptions,
): void {
  const file = openAtomically(path, options)
  try {
    if (typeof data === 'function') data(file.fd)
    else writeFully(file.fd, typeof data === 'string' ? Buffer.from(data) : data)
  } catch (error) {
    file.abandon()
    throw writeError(path, error)
  }
  file.commit()
}

/**
 * Checks whether a file can be written at `path`, so that a fault shows before long work and not after it.
 * @throws UserError as `writeAtomically`.
 */
export function checkWritable(path: string, { streams = false }: WriteOptions = {}): void {
  const temporary = temporaryName(path)
  try {
    if (streams && isStream(path)) return
    refuseSpecial(path)
    closeSync(openNew(temporary))
  } catch (error) {
    throw writeError(path, error)
  } finally {
    remove(temporary)
  }
}

/**
 * Returns a name next to `path`. It is random, since process numbers repeat in other containers and on other machines.
 */
export const temporaryName = (path: string) => join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)

const TEMPORARY = /^\.(.+)\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/

/** Returns the final name of the file with this temporary name; undefined for files that are not ours. */
export const unfinished = (name: string): string | undefined => TEMPORARY.exec(name)?.[1]

/**
 * Removes what killed processes have left of unfinished files in a folder. `isOwn` is given a final name and says
 * whether the caller alone may write that file, by the lock that it holds: others may be in use.
 */
export function removeUnfinished(folder: string, isOwn: (name: string) => boolean): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = unfinished(entry.name)
    if (entry.isFile() && name !== undefined && isOwn(name)) remove(join(folder, entry.name))
  }
}

/**
 * Removes what is left of a failed write. Errors are ignored, since the user must hear of the write's failure, not of
 * this one.
 */
function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}

/** Makes the rename itself durable. Windows cannot open a folder, and does not need this. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } catch (error) {
    // Some network file systems refuse to sync a folder; the file itself is safe by then.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    closeSync(fd)
  }
}
