import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { UserError } from '../error.js'
import { openNew, writeFully } from '../files/atomic.js'
import { openFile, readText } from '../files/read.js'
import { writeError } from '../files/write_error.js'
import { kernelLock, sharesLocks, thisMachine } from './kernel.js'

/** A process that has a lock, or had it. */
export interface Holder {
  /** The lock file. */
  file: string
  host: string
  pid: number
}

/** A lock file as it was found on the disk. */
export interface Entry extends Holder {
  path: string
  /** Identifies one taking of the lock. */
  owner: string
  /** `doubtful`: only time can tell, since a living holder keeps touching its file. */
  state: 'held' | 'dead' | 'doubtful'
  /** Differs after every heartbeat. */
  pulse: string
}

/** A lock that this process holds. */
export interface Own {
  file: string
  owner: string
  /** The descriptor that keeps the kernel's lock. */
  fd: number
}

/**
 * A lock is the file of that name. Its holder keeps a kernel lock on it, and touches it every few seconds. The lock of
 * a dead holder passes to the process that first makes the file `<lock>.<owner>.next`, `owner` being the dead one's,
 * and then gives this file the lock's own name. So of several processes that find the holder dead, one gets the lock. A
 * process that found this out long ago makes a file that is out of date: following the names from the lock file never
 * leads to it.
 */
const successor = (file: string, owner: string) => `${file}.${owner}.next`
const draft = (file: string, owner: string) => `${file}.${owner}.new`

/** Returns the process that has the lock, or had it last. */
export const lastEntry = (file: string): Entry | undefined => entries(file).at(-1)

function entries(file: string): Entry[] {
  const found: Entry[] = []
  for (let path = file; ; ) {
    const entry = readEntry(file, path)
    if (!entry) return found
    found.push(entry)
    path = successor(file, entry.owner)
  }
}

interface Content {
  host: string
  pid: number
  owner: string
  machine: string
  /** Whether the holder has the kernel's lock. */
  kernel: boolean
}

const CONTENT_BYTES = 4096

/** Opened anew each time: on NFS only that makes another machine's change visible. */
function readEntry(file: string, path: string): Entry | undefined {
  let fd: number | undefined
  try {
    fd = openFile(path, { named: true })
    const stats = fstatSync(fd, { bigint: true })
    const bytes = Buffer.alloc(CONTENT_BYTES)
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, CONTENT_BYTES, 0))
    const content = parsed(text)
    const pulse = `${stats.mtimeNs} ${stats.ctimeNs}`
    if (!content) return { ...ofOldVersion(text, stats), file, path, pulse }
    const { host, pid, owner } = content
    return { file, path, host, pid, owner, pulse, state: stateOf(fd, path, content) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (error instanceof UserError) throw error
    throw new UserError({ at: path, problem: `the lock file cannot be read (${code}).` }, { cause: error })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function parsed(text: string): Content | undefined {
  try {
    const content = JSON.parse(text)
    return typeof content?.owner === 'string' ? content : undefined
  } catch {
    return undefined
  }
}

function stateOf(fd: number, path: string, { kernel, machine }: Content): Entry['state'] {
  if (!kernel) return 'doubtful'
  const answer = kernelLock(fd, 'shared') // given back when the descriptor is closed
  if (answer === 'refused') return 'held'
  return answer === 'granted' && machine === thisMachine() && sharesLocks(path) ? 'dead' : 'doubtful'
}

/**
 * Version 0.1.0 wrote "host pid", touched the file every 2 s, and took a holder for dead after this time without a
 * touch.
 */
const OLD_SILENCE_MS = 120_000

function ofOldVersion(
  text: string,
  { mtimeMs, mtimeNs }: BigIntStats,
): Pick<Entry, 'host' | 'pid' | 'owner' | 'state'> {
  const [, host = 'an unknown host', pid = '0'] = text.match(/^(\S+) (\d+)$/) ?? []
  const state = Date.now() - Number(mtimeMs) > OLD_SILENCE_MS ? 'dead' : 'doubtful'
  return { host, pid: Number(pid), owner: `old-${mtimeNs}`, state }
}

/**
 * Takes a lock that nobody has, or that the holder `last` left when it died. Returns undefined where another process
 * was faster.
 * @throws UserError where the folder can't be written to.
 */
export function take(file: string, last: Entry | undefined): Own | undefined {
  const own = drafted(file)
  const path = last ? successor(file, last.owner) : file
  let taken = false
  try {
    if (!place(own, path)) return undefined
    taken = !last || follow(own, path)
    return taken ? own : undefined
  } catch (error) {
    throw writeError(file, error)
  } finally {
    rmSync(draft(file, own.owner), { force: true })
    if (!taken) closeSync(own.fd)
  }
}

/** Gives the successor's file the lock's own name, if following the names from the lock file leads to it. */
function follow({ file, owner }: Own, path: string): boolean {
  const before = entries(file)
  if (before.pop()?.owner !== owner) {
    rmSync(path, { force: true })
    return false
  }
  renameSync(path, file)
  for (const entry of before) {
    rmSync(draft(file, entry.owner), { force: true })
    if (entry.path !== file) rmSync(entry.path, { force: true })
  }
  return true
}

/** Returns the lock file under a temporary name, locked before anybody can look for it. */
function drafted(file: string): Own {
  const owner = crypto.randomUUID()
  const path = draft(file, owner)
  let fd: number | undefined
  try {
    fd = openNew(path)
    const kernel = kernelLock(fd, 'exclusive') === 'granted'
    write(fd, owner, kernel)
    return { file, owner, fd }
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    rmSync(path, { force: true })
    throw writeError(file, error)
  }
}

function write(fd: number, owner: string, kernel: boolean): void {
  const content: Content = { host: hostname(), pid: process.pid, owner, machine: thisMachine(), kernel }
  writeFully(fd, Buffer.from(`${JSON.stringify(content)}\n`))
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR']
/** Errors of Windows for a name whose file is being deleted. */
const GOING = ['EPERM', 'EACCES', 'EBUSY']

/** Whether the draft got the name `path`; it does not where a file already has it. */
function place(own: Own, path: string): boolean {
  const from = draft(own.file, own.owner)
  try {
    linkSync(from, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // NFS: after a lost answer the link is requested again and then exists
    if (code === 'EEXIST') return isAt(own, path)
    if (!NO_LINKS.includes(code ?? '')) throw error
  }
  return placeCopy(own, from, path)
}

/** Where there are no hard links, a copy gets the name, without a kernel lock on it. */
function placeCopy(own: Own, from: string, path: string): boolean {
  const fd = openSync(from, 'w')
  try {
    write(fd, own.owner, false)
  } finally {
    closeSync(fd)
  }
  try {
    copyFileSync(from, path, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || (process.platform === 'win32' && GOING.includes(code))) return false
    throw error
  }
}

/** Gives the lock back. Removes nothing that another process has taken over meanwhile. */
export function give(own: Own): void {
  try {
    if (isAt(own, own.file)) rmSync(own.file, { force: true })
  } catch {
    // what is left is a dead holder's file, which blocks nobody
  } finally {
    closeSync(own.fd)
  }
}

function isAt({ owner }: Own, path: string): boolean {
  try {
    return readText(path, { named: true }).includes(owner)
  } catch {
    return false
  }
}
