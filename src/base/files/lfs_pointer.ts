import { fstatSync, readSync } from 'node:fs'
import { UserError } from '../error.js'

/** What Git LFS leaves in place of a file that it has not fetched: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const POINTER = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\/v1\n/
/** By that definition a pointer is smaller. */
const LARGEST = 1024

/** @throws UserError where the beginning of a file is that of a Git LFS pointer. */
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

/** The same for an open file, from its first bytes. */
export function refuseOpenPointer(file: string, fd: number): void {
  const stat = fstatSync(fd)
  if (!stat.isFile() || stat.size > LARGEST) return
  const bytes = Buffer.alloc(stat.size)
  refusePointer(file, bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)))
}
