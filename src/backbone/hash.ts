import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../atomic.js'
import { ownCache } from '../cache_folder.js'
import { UserError } from '../error.js'

/** A file that changed so recently may change again within one tick of its file system's clock; FAT's is two seconds. */
const SETTLED_MS = 2500

/**
 * SHA-256 of the files' bytes, one after the other, in hexadecimal: what `cat FILES | sha256sum` prints. Remembered in
 * the user's cache by what the system notes of each file, so that a large backbone is hashed once.
 * @throws UserError for a file that is missing or changes while it is read.
 */
export function hashFiles(files: string[]): string {
  const before = files.map(statOf)
  const remembered = cacheFile(files, before)
  const known = remembered && readKnown(remembered)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const file of files) feedReadable(file, (piece) => hash.update(piece))
  const digest = hash.digest('hex')
  const after = files.map(statOf)
  const changed = files.find((_, i) => stamp(before[i]!) !== stamp(after[i]!))
  if (changed !== undefined) throw changedMeanwhile(changed)
  const now = Date.now()
  if (remembered && after.every(({ ctimeMs }) => now - Number(ctimeMs) > SETTLED_MS)) remember(remembered, digest)
  return digest
}

function readKnown(file: string): string | undefined {
  try {
    const hash = readFileSync(file, 'utf8')
    return /^[0-9a-f]{64}$/.test(hash) ? hash : undefined
  } catch {
    return undefined // Not hashed before.
  }
}

function remember(file: string, digest: string): void {
  try {
    writeAtomically(file, digest)
  } catch {
    // A home that cannot be written to costs time, not the run.
  }
}

/** Undefined where nothing can be remembered, or others could have made up what is. */
function cacheFile(files: string[], stats: BigIntStats[]): string | undefined {
  const key = createHash('sha256')
  for (const [i, file] of files.entries()) key.update(`${realpathSync(file)}\0${stamp(stats[i]!)}\0`)
  try {
    return join(ownCache('hashes'), key.digest('hex'))
  } catch {
    return undefined
  }
}

/**
 * Differs after every write. The time of change (ctime) is what makes it so: a program can set the time of modification
 * back, as `touch -r` and `cp --preserve` do, but not that one.
 */
const stamp = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) => `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`

function statOf(file: string): BigIntStats {
  try {
    return statSync(file, { bigint: true })
  } catch (error) {
    throw unreadable(file, error)
  }
}

function feedReadable(file: string, take: (piece: Uint8Array) => void): void {
  try {
    feed(file, take)
  } catch (error) {
    throw unreadable(file, error)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file.',
  EISDIR: 'is a folder, not a file.',
  EACCES: 'this user may not read it.',
}

function unreadable(file: string, error: unknown): UserError {
  const { code = '', message } = error as NodeJS.ErrnoException
  return new UserError({ at: file, problem: REASONS[code] ?? `cannot be read: ${message}.` }, { cause: error })
}

const changedMeanwhile = (file: string) =>
  new UserError({
    at: file,
    problem: 'was changed while it was read.',
    remedy: 'Run again when nothing writes to it.',
  })

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
