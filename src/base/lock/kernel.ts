import { readFileSync, statfsSync } from 'node:fs'
import { constants, hostname } from 'node:os'
import { native } from '../native.js'

/** `none`: the file system has no locks, or this process can't ask for them. */
export type Answer = 'granted' | 'refused' | 'none'
export type Kind = 'exclusive' | 'shared'

type Ask = (fd: number, kind: Kind) => Answer

let ask: Ask | undefined

/**
 * Asks the kernel for a lock on an open file, without waiting. The lock belongs to this opening of the file: another
 * opening is refused, in this process too; child processes do not inherit it, and the kernel frees it when the process
 * dies in any way.
 */
export function kernelLock(fd: number, kind: Kind): Answer {
  ask ??= asker()
  return ask(fd, kind)
}

function asker(): Ask {
  try {
    const koffi = native()
    return process.platform === 'win32' ? lockFileEx(koffi) : flock(koffi)
  } catch {
    return () => 'none' // koffi has no binary for this platform
  }
}

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

/** flock(2): unlike fcntl's POSIX locks, it is not lost when the process closes another descriptor of the same file. */
function flock(koffi: typeof import('koffi')): Ask {
  const call = koffi.load(null).func('int flock(int, int)')
  const { EINTR, EWOULDBLOCK, EAGAIN, EACCES } = constants.errno
  return (fd, kind) => {
    for (;;) {
      if (call(fd, LOCK_NB | (kind === 'shared' ? LOCK_SH : LOCK_EX)) === 0) return 'granted'
      const error = koffi.errno()
      if (error !== EINTR) return [EWOULDBLOCK, EAGAIN, EACCES].includes(error) ? 'refused' : 'none'
    }
  }
}

const LOCKFILE_FAIL_IMMEDIATELY = 1
const LOCKFILE_EXCLUSIVE_LOCK = 2
/** Windows keeps others from reading locked bytes, so the locked byte is far behind the file's end. */
const LOCKED_BYTE_HIGH = 0x7fff_ffff

function lockFileEx(koffi: typeof import('koffi')): Ask {
  const handleOf = koffi.load(null).func('void* uv_get_osfhandle(int)') // exported by node.exe
  const call = koffi
    .load('kernel32.dll')
    .func('int __stdcall LockFileEx(void*, uint32_t, uint32_t, uint32_t, uint32_t, void*)')
  return (fd, kind) => {
    const overlapped = Buffer.alloc(32) // Internal, InternalHigh, Offset, OffsetHigh, hEvent
    overlapped.writeUInt32LE(LOCKED_BYTE_HIGH, 20)
    const flags = LOCKFILE_FAIL_IMMEDIATELY | (kind === 'shared' ? 0 : LOCKFILE_EXCLUSIVE_LOCK)
    return call(handleOf(fd), flags, 0, 1, 0, overlapped) === 0 ? 'refused' : 'granted'
  }
}

let machine: string | undefined

/**
 * Returns an id of the running kernel: containers of one machine share it, and a restart ends it. A host name shows
 * neither.
 */
export function thisMachine(): string {
  machine ??= process.platform === 'linux' ? bootId() : hostname()
  return machine
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return crypto.randomUUID() // no other process is known to share this kernel
  }
}

/**
 * File systems whose locks all processes see, by statfs(2): ext, XFS, Btrfs, ZFS, F2FS, bcachefs, tmpfs, ramfs and
 * overlayfs.
 */
const LOCAL = [0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0xca451a4e, 0x01021994, 0x858458f6, 0x794c7630]

/**
 * Whether all processes of this kernel see each other's locks on that file. On network file systems and FUSE they may
 * not: each mount can have its own locks, as two containers' mounts of one share do.
 */
export function sharesLocks(path: string): boolean {
  return process.platform !== 'linux' || LOCAL.includes(statfsSync(path).type >>> 0)
}
