import { closeSync, constants, openSync, type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../error.js'

/** Names of what a process has open: `/dev/stdout`, and what the shell makes of `<(…)` and `>(…)`. */
const DESCRIPTOR = /^\/(?:dev\/(?:stdin|stdout|stderr|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/

export const isDescriptor = (path: string): boolean => DESCRIPTOR.test(resolve(path))

/** Says in words what kind of special file it is; undefined for files and folders. */
export function specialKind(stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>): string | undefined {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return 'a folder'
  if (stats.isFIFO()) return 'a pipe'
  return stats.isSocket() ? 'a socket' : 'a device'
}

/**
 * Whether what is written to the path flows on instead of being kept under the name: into a pipe, a terminal,
 * /dev/null, or /dev/stdout, whatever that leads to. Such a name must never be given to a new file.
 */
export function isStream(path: string): boolean {
  if (isDescriptor(path)) return true
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && (stats.isCharacterDevice() || stats.isFIFO())
}

/** Refuses a path that is not a regular file. @throws UserError */
export function refuseSpecial(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  const kind = stats && specialKind(stats)
  if (kind) throw new UserError({ at: path, problem: `is ${kind}.`, remedy: 'Choose another name.' })
}

/**
 * Returns a descriptor to write into a stream, after what it already holds: /dev/stdout may be a file.
 * @throws UserError for a named pipe that nobody reads: opening it would wait forever.
 */
export function openStream(path: string): number {
  const { O_WRONLY, O_APPEND, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants
  try {
    const tried = openSync(path, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK)
    try {
      return openSync(path, O_WRONLY | O_APPEND | O_NOCTTY) // waits where the reader is slow
    } finally {
      closeSync(tried)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENXIO') throw error
    const remedy = 'Start its reader first, or leave the flag out and use `| program`.'
    const problem = isDescriptor(path) ? 'is a socket, which has no name to open.' : 'nobody reads from this pipe.'
    throw new UserError({ at: path, problem, remedy }, { cause: error })
  }
}
