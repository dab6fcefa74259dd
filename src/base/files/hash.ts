import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, readSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { UserError } from '../error.js'
import { writeAtomically } from './atomic.js'
import { ownCache } from './cache_folder.js'
import { openFile, readText } from './read.js'

/**
 * A file that changed more recently than this may change again within one tick of its file system's clock; FAT's is two
 * seconds.
 */
const SETTLED_MS = 2500

/**
 * Returns the SHA-256 of the files' bytes, one after the other, in hexadecimal: what `cat FILES | sha256sum` prints. It
 * is remembered in the user's cache together with each file's size, inode and times, so that a large backbone is hashed
 * once.
 * @throws UserError for a file that is missing or changes while it is read.
 */
export function hashFiles(files: string[]): string {
  const hashing = hash(files)
  for (;;) {
    const { done, value } = hashing.next()
    if (done) return value
  }
}

/**
 * As `hashFiles`, but in pieces, so that signals are handled in between. `onBytes` gets the bytes done and their total.
 */
export async function hashFilesInPieces(
  files: string[],
  onBytes?: (bytes: number, total: number) => void,
): Promise<string> {
  const hashing = hash(files)
  for (;;) {
    const { done, value } = hashing.next()
    if (done) return value
    onBytes?.(value.bytes, value.total)
    await setImmediate()
  }
}

/** Yields the progress after each piece. */
function* hash(files: string[]): Generator<{ bytes: number; total: number }, string> {
  const before = files.map(statOf)
  const remembered = cacheFile(files, before)
  const known = remembered && readKnown(remembered)
  if (known !== undefined) return known
  const digester = createHash('sha256')
  const total = before.reduce((sum, { size }) => sum + Number(size), 0)
  let bytes = 0
  for (const file of files) {
    for (const piece of readablePieces(file)) {
      digester.update(piece)
      bytes += piece.length
      yield { bytes, total }
    }
  }
  const digest = digester.digest('hex')
  const after = files.map(statOf)
  const changed = files.find((_, i) => stamp(before[i]!) !== stamp(after[i]!))
  if (changed !== undefined) throw changedMeanwhile(changed)
  const now = Date.now()
  if (remembered && after.every(({ ctimeMs }) => now - Number(ctimeMs) > SETTLED_MS)) remember(remembered, digest)
  return digest
}

function readKnown(file: string): string | undefined {
  try {
    const hash = readText(file)
    return /^[0-9a-f]{64}$/.test(hash) ? hash : undefined
  } catch {
    return undefined // not hashed before
  }
}

function remember(file: string, digest: string): void {
  try {
    writeAtomically(file, digest)
  } catch {
    // If the cache cannot be written to, the next run hashes again; this one continues.
  }
}

/** Undefined where nothing can be remembered, or where others could have made up what is remembered. */
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
 * Returns a text that changes when the file is written to or replaced.
 * @throws UserError where the file does not exist.
 */
export const stampOf = (file: string): string => stamp(statOf(file))

/**
 * Differs after every write. The time of change (ctime) makes it so: a program can set the time of modification back,
 * as `touch -r` and `cp --preserve` do, but not the time of change.
 */
const stamp = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) => `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`

function statOf(file: string): BigIntStats {
  try {
    return statSync(file, { bigint: true })
  } catch (error) {
    throw unreadable(file, error)
  }
}

function* readablePieces(file: string): Generator<Uint8Array> {
  try {
    yield* filePieces(file)
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
  if (error instanceof UserError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  return new UserError({ at: file, problem: REASONS[code] ?? `cannot be read: ${message}.` }, { cause: error })
}

const changedMeanwhile = (file: string) =>
  new UserError({
    at: file,
    problem: 'was changed while it was read.',
    remedy: 'Run again when nothing writes to it.',
  })

/** Reads a file in pieces of 4 MiB. The buffer of a piece is reused. */
export function* filePieces(file: string): Generator<Uint8Array> {
  const fd = openFile(file, { named: true })
  try {
    const buffer = Buffer.allocUnsafe(1 << 22)
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) yield buffer.subarray(0, count)
  } finally {
    closeSync(fd)
  }
}
