import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../atomic.js'

/**
 * SHA-256 of the files' bytes, one after the other, in hexadecimal: what `cat FILES | sha256sum` prints. Remembered in
 * the user's cache by path, size and time of change, so that a large backbone is hashed once.
 */
export function hashFiles(files: string[]): string {
  const remembered = cacheFile(files)
  try {
    const hash = readFileSync(remembered, 'utf8')
    if (/^[0-9a-f]{64}$/.test(hash)) return hash
  } catch {
    // Not hashed before.
  }
  const hash = createHash('sha256')
  for (const file of files) feed(file, (piece) => hash.update(piece))
  const digest = hash.digest('hex')
  try {
    mkdirSync(dirname(remembered), { recursive: true })
    writeAtomically(remembered, digest)
  } catch {
    // A home that cannot be written to costs time, not the run.
  }
  return digest
}

function cacheFile(files: string[]): string {
  const key = createHash('sha256')
  for (const file of files) {
    const { size, mtimeNs, ino } = statSync(file, { bigint: true })
    key.update(`${realpathSync(file)}\0${size}\0${mtimeNs}\0${ino}\0`)
  }
  const root = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(root, 'compacter', 'hashes', key.digest('hex'))
}

/** Reads a file in pieces of 4 MiB; the piece is reused. */
export function feed(file: string, take: (piece: Uint8Array) => void): void {
  const fd = openSync(file, 'r')
  try {
    const buffer = Buffer.allocUnsafe(1 << 22)
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) take(buffer.subarray(0, count))
  } finally {
    closeSync(fd)
  }
}
