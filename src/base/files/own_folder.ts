import { chmodSync, lstatSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { makeFolder } from './atomic.js'

const WRITE_BY_GROUP = 0o020
const WRITE_BY_ALL = 0o002
const ENTER_BY_OTHERS = 0o011
const STICKY = 0o1000

/**
 * Makes the folder, and those above it that are missing, for this user alone (0700). A folder of ours that others may
 * read, made by an older version, is closed to them. One that others may write is left unchanged, since its content may
 * be theirs.
 * @throws UserError where it can't be made.
 */
export function makeOwnFolder(path: string): void {
  makeFolder(path, 0o700)
  const { uid, mode } = statSync(path)
  if (uid === process.geteuid?.() && mode & 0o055 && !(mode & (WRITE_BY_GROUP | WRITE_BY_ALL))) chmodSync(path, 0o700)
}

/**
 * Says in words how a user other than this one and root could have put something at the path: the file or folder is
 * theirs, or they may write to it, or to a folder or link on the way to it. Undefined where nobody could, where the
 * file is missing, and on Windows, whose rights are not checked. sshd checks its keys the same way.
 */
export function whoElseCanWrite(path: string): string | undefined {
  if (process.platform === 'win32') return undefined
  const whole = resolve(path)
  let reachable = true
  for (const part of partsOf(whole)) {
    const stats = lstatSync(part, { throwIfNoEntry: false })
    if (!stats) return undefined
    const found =
      otherOwner(part, stats, part !== whole) ?? (reachable ? otherWriter(part, stats, part !== whole) : undefined)
    if (stats.isDirectory() && !(stats.mode & ENTER_BY_OTHERS)) reachable = false // whatever the modes below it are
    if (found) return found
    if (!stats.isSymbolicLink()) continue
    const beyond = whoElseCanWrite(resolve(dirname(part), readlinkSync(part)))
    if (beyond) return beyond
  }
  return undefined
}

/** Returns `/`, `/home`, `/home/me`, … down to the path itself. */
function partsOf(path: string): string[] {
  const above = dirname(path)
  return above === path ? [path] : [...partsOf(above), path]
}

function otherOwner(path: string, { uid }: Stats, onTheWay: boolean): string | undefined {
  const known = uid === process.geteuid!() || uid === 0 || (onTheWay && uid === strangersHere())
  return known ? undefined : `${path} belongs to ${nameOf(uid)}`
}

function otherWriter(path: string, stats: Stats, onTheWay: boolean): string | undefined {
  const { uid, gid, mode } = stats
  if (stats.isSymbolicLink()) return undefined // a link's own mode means nothing
  // In a sticky folder, as /tmp, only the owner of a file renames or removes it.
  if (onTheWay && mode & STICKY) return undefined
  const byAll = mode & WRITE_BY_ALL
  const byGroup = mode & WRITE_BY_GROUP && gid !== uid // a group with the user's number is the user's own
  return byAll || byGroup ? `${path} can be written by others (mode ${(mode & 0o7777).toString(8)})` : undefined
}

const nameOf = (uid: number): string => {
  const line = textOf('/etc/passwd')
    .split('\n')
    .find((line) => line.split(':')[2] === String(uid))
  return line ? `the user ${line.split(':')[0]}` : `the user with id ${uid}`
}

/**
 * Returns the id that owns the system's folders in a container of a user's own (Apptainer, `unshare -r`): there one id
 * is shown for all users outside.
 */
function strangersHere(): number | undefined {
  const everyone = /^\s*0\s+0\s+4294967295\s*$/
  if (everyone.test(textOf('/proc/self/uid_map') || '0 0 4294967295')) return undefined
  return Number(textOf('/proc/sys/kernel/overflowuid') || 65534)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
