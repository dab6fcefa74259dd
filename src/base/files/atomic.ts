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

const REASONS: Record<string, { problem: string; remedy: string }> = {
  ENOSPC: { problem: 'the disk is full.', remedy: 'Free some space, or write to another disk.' },
  EDQUOT: { problem: 'the disk quota is used up.', remedy: 'Free some space, or write to another disk.' },
  EFBIG: { problem: 'the file is too large for this file system.', remedy: 'Write to another disk.' },
  EACCES: { problem: 'no permission to write here.', remedy: 'Choose another folder, or change its permissions.' },
  EPERM: { problem: 'no permission to write here.', remedy: 'Choose another folder, or change its permissions.' },
  EROFS: { problem: 'the file system is read-only.', remedy: 'Choose another folder.' },
  ENOTDIR: { problem: 'part of the path is a file, not a folder.', remedy: 'Choose another folder.' },
  EISDIR: { problem: 'is a folder.', remedy: 'Choose another name.' },
  ENOENT: { problem: 'the folder does not exist.', remedy: 'Create it first.' },
  ELOOP: { problem: 'is a link, which is not followed.', remedy: 'Delete the link, or put the file itself there.' },
  EPIPE: { problem: 'its reader has ended.', remedy: 'Start it again, with a reader that reads all of it.' },
}

/** Writes all of `bytes` at the file's position: one `write` may take less than it was given. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done)
}

/** What the user can do about a failed write, or the error itself where that is nothing. */
export function writeError(path: string, error: unknown): unknown {
  const reason = REASONS[(error as NodeJS.ErrnoException)?.code ?? '']
  return reason ? new UserError({ at: path, ...reason }, { cause: error }) : error
}

/** What only writing can fail with, so that it needs no more to be told. */
const OF_WRITING = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG']

/**
 * An error of the file system that came as it is: a write's as the user can act on it, any other as it was. `place` is named
 * where the error itself names none.
 */
export function asUserError(error: unknown, place = 'a file'): unknown {
  const { code = '', path, dest } = (error ?? {}) as NodeJS.ErrnoException & { dest?: string }
  return OF_WRITING.includes(code) ? writeError(dest ?? path ?? place, error) : error
}

/** Makes a folder and those above it. @throws UserError where it can't be made. */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { recursive: true, mode })
  } catch (error) {
    throw writeError(path, whyNotMade(path, error))
  }
}

/** Where the folder above can't be made either, Node only says that it is missing. */
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

/** Copies a file. @throws UserError where it can't be read, or the copy can't be written, of which nothing is left then. */
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

const { O_APPEND, O_CREAT, O_EXCL, O_RDWR, O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants // Windows lacks the last two

/** A new file to write and read back, under a name that nothing has, not even a link. */
export const openNew = (path: string, mode = 0o666): number =>
  openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode)

/** Opens a file to add to its end, made where it is missing. @throws UserError for a link, which could lead to any file, and for what is no file. */
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

/** Adds to a file, made where it is missing: all of it or nothing. @throws UserError where it can't be written. */
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

/** What was written to a file so far is on the disk then. @throws UserError where it can't be. */
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

/** A file that has its name only once it is committed. */
export interface AtomicFile {
  fd: number
  /** Synced and renamed. @throws UserError as `openAtomically`. */
  commit(): void
  /** Leaves nothing behind of a file that was not committed. */
  abandon(): void
}

export interface WriteOptions {
  /** The user named the path: a device or a pipe there, or /dev/stdout, is written into. Else it is refused. */
  streams?: boolean
}

/**
 * Opens a file to be written over a longer time, under a temporary name in the same folder.
 * @throws UserError where the folder is missing or closed to writing, or what has the name is no file.
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
    } catch {} // what is to be thrown away may be lost
    remove(temporary)
  }
  return {
    fd,
    abandon,
    commit() {
      try {
        fsyncSync(fd)
        close()
        refuseSpecial(path) // again: something may have come meanwhile
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
 * A reader sees the old file or the whole new one, even after a crash or a power cut: written to a temporary name in
 * the same folder, synced, renamed, and the folder synced. A function gets the descriptor and writes what it likes.
 * @throws UserError where the disk is full or the folder missing or closed to writing; and as `openAtomically`.
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
 * Found out before long work, not after it: whether a file can be written there.
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

/** A name next to `path`. Random: process numbers are each container's and each machine's own. */
export const temporaryName = (path: string) => join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)

const TEMPORARY = /^\.(.+)\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/

/** The name that a file with this temporary one was to get; undefined for another's file. */
export const unfinished = (name: string): string | undefined => TEMPORARY.exec(name)?.[1]

/**
 * Removes what killed writers of files have left in a folder. `isOwn` tells by its final name whether the caller is the only
 * one who may write a file, by the lock that it holds: another's may be being written.
 */
export function removeUnfinished(folder: string, isOwn: (name: string) => boolean): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = unfinished(entry.name)
    if (entry.isFile() && name !== undefined && isOwn(name)) remove(join(folder, entry.name))
  }
}

/** What is left of a write that failed; that failure is what the user must hear of, not this one. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}

/** Makes the rename itself durable. Windows cannot open a folder, and needs no such thing. */
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
