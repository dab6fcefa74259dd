import { closeSync, constants, openSync, readSync } from 'node:fs'
import { UserError } from './error.js'
import { refuseOpenPointer } from './lfs_pointer.js'

/** Most that one `read` is asked for: it takes at most 2 GiB. */
const PIECE_BYTES = 1 << 28

/** Opening a named pipe that nobody writes to would wait for ever; Windows has no such flag, and no such pipes. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** A descriptor to read from. @throws UserError naming the file, also where it is a Git LFS pointer. */
export function openToRead(path: string): number {
  const fd = opened(path)
  try {
    refuseOpenPointer(path, fd)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function opened(path: string): number {
  try {
    return openSync(path, READ)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const problem = code === 'ENOENT' ? 'no such file.' : `cannot be opened (${code}).`
    throw new UserError({ at: path, problem }, { cause: error })
  }
}

/** Fills `bytes` from that position: one `read` may give less than was asked. False where the file ends before. */
export function readFully(fd: number, position: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(fd, bytes, done, Math.min(bytes.length - done, PIECE_BYTES), position + done)
    if (count === 0) return false
    done += count
  }
  return true
}
