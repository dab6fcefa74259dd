import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
} from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { UserError } from '../error.js'
import { hubCache } from './hub_folder.js'
import { refuseOpenPointer } from './lfs_pointer.js'
import { isDescriptor, specialKind } from './special_file.js'

/** The most that one `read` is asked for; it can return at most 2 GiB. */
const PIECE_BYTES = 1 << 28

/** Opening a named pipe that nobody writes to would wait forever; Windows has neither these flags nor such pipes. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

export interface ReadOptions {
  /**
   * The user named this very file, so it may be a link to any place. Otherwise it is a file in a folder that somebody
   * else may have made: after following all links it must be in that folder, or in the blobs of the hub's cache.
   */
  named?: boolean
  /**
   * The file is read once, from beginning to end, so a descriptor that a shell has opened, as by `<(…)`, can be read
   * too.
   */
  once?: boolean
}

/**
 * Returns a descriptor to read from. This is the only place where files are opened for reading.
 * @throws UserError for a link out of the folder, and for a pipe, a device or a socket; the system's error where the
 *   file does not exist, may not be read (EACCES), or is a folder (EISDIR).
 */
export function openFile(path: string, { named = false, once = false }: ReadOptions = {}): number {
  const opened = once && isDescriptor(path)
  const fd = openSync(named ? path : pathInFolder(path), opened ? constants.O_RDONLY : READ)
  try {
    const kind = specialKind(fstatSync(fd))
    if (kind === 'a folder') throw Object.assign(new Error(`EISDIR: ${path} is a folder`), { code: 'EISDIR' })
    if (kind && !opened) throw noFile(path, kind)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

const noFile = (path: string, kind: string) =>
  new UserError({
    at: path,
    problem: kind === 'a pipe' ? 'is a pipe, which can be read only once.' : `is ${kind}, not a file.`,
    ...(kind === 'a pipe' && { remedy: 'Save what comes out of it to a file, and name that.' }),
  })

/** Returns a file in a folder, after following all links. @throws UserError where a link leads out of the folder. */
export function pathInFolder(path: string): string {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return path
  const target = realpathSync(path)
  const folder = realpathSync(dirname(path))
  if ([folder, ...blobsOf(folder)].some((home) => target.startsWith(home + sep)) || isCachedBlob(target)) return target
  throw new UserError({
    at: path,
    problem: `is a link to ${target}, which is not in its folder.`,
    remedy: 'Put the file itself there, if those who made the folder may have it read.',
  })
}

/**
 * Returns the folder of the files of a snapshot, `snapshots/<commit>/…`. Only in the user's own cache may they be on
 * another disk.
 */
function blobsOf(folder: string): string[] {
  const [, storage] = /^(.*)[\\/]snapshots[\\/][^\\/]+(?:[\\/]|$)/.exec(folder) ?? []
  if (storage === undefined) return []
  const blobs = join(storage, 'blobs')
  return isOfCache(storage) && existsSync(blobs) ? [blobs, realpathSync(blobs)] : [blobs]
}

/** Whether the file belongs to a model or data set in the user's cache: other programs link such files into folders. */
const isCachedBlob = (target: string): boolean =>
  basename(dirname(target)) === 'blobs' && isOfCache(dirname(dirname(target)))

function isOfCache(storage: string): boolean {
  return existsSync(hubCache()) && dirname(storage) === realpathSync(hubCache())
}

/** Reads a whole file. @throws as `openFile` */
export function readBytes(path: string, options?: ReadOptions): Buffer {
  const fd = openFile(path, options)
  try {
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Reads a whole file as text in UTF-8. @throws as `openFile` */
export const readText = (path: string, options?: ReadOptions): string => readBytes(path, options).toString('utf8')

/** As `openFile`, for messages to the user. @throws UserError naming the file, also where it is a Git LFS pointer. */
export function openToRead(path: string, options?: ReadOptions): number {
  const fd = opened(path, options)
  try {
    refuseOpenPointer(path, fd)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function opened(path: string, options: ReadOptions | undefined): number {
  try {
    return openFile(path, options)
  } catch (error) {
    if (error instanceof UserError) throw error
    const { code } = error as NodeJS.ErrnoException
    const problem = PROBLEMS[code ?? ''] ?? `cannot be opened (${code}).`
    throw new UserError({ at: path, problem }, { cause: error })
  }
}

const PROBLEMS: Record<string, string> = { ENOENT: 'no such file.', EISDIR: 'is a folder, not a file.' }

/**
 * Fills `bytes` from that position on: one `read` may return less than was asked for. False where the file ends before.
 */
export function readFully(fd: number, position: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(fd, bytes, done, Math.min(bytes.length - done, PIECE_BYTES), position + done)
    if (count === 0) return false
    done += count
  }
  return true
}
