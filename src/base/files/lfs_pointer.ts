import { fstatSync, readSync } from 'node:fs'
import { UserError } from '../error.js'

/**
 * What Git LFS leaves instead of a file that it has not fetched:
 * https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 */
const POINTER = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\/v1\n/
/** The specification says that a pointer is smaller than this. */
const LARGEST = 1024

/** Refuses a Git LFS pointer, recognised by its first bytes. @throws UserError */
export function refusePointer(file: string, beginning: Uint8Array | string): void {
  const text =
    typeof beginning === 'string'
      ? beginning.slice(0, LARGEST)
      : Buffer.from(beginning.buffer, beginning.byteOffset, Math.min(beginning.byteLength, LARGEST)).toString('latin1')
  if (!POINTER.test(text)) return
  const size = /^size (\d+)$/m.exec(text)?.[1]
  throw new UserError({
    at: file,
    problem: `is a Git LFS pointer${size ? ` to a file of ${size} bytes` : ''}, which has not been fetched.`,
    remedy: 'Run `git lfs pull` in its repository (before, once, `git lfs install`), or download the file itself.',
  })
}

/** Does the same for an open file. */
export function refuseOpenPointer(file: string, fd: number): void {
  const stat = fstatSync(fd)
  if (!stat.isFile() || stat.size > LARGEST) return
  const bytes = Buffer.alloc(stat.size)
  refusePointer(file, bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)))
}
