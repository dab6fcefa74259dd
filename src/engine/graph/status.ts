import { UserError } from '../../base/error.js'
import type { Library, Pointer } from './library.js'

/** The TF_Code of an error that a user can do something about. */
const RESOURCE_EXHAUSTED = 8
const UNAVAILABLE = 14

const CODE_NAMES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED ' +
  'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS ' +
  'UNAUTHENTICATED'
const CODES = CODE_NAMES.split(' ')

/** The most characters of TensorFlow's own words that are shown. */
const LONGEST = 400

/** Describes an operation by its name, such as `MatMul → [2048, 512]`. */
export type Describe = (operation: string) => string | undefined

/** Calls with a status and frees it. @throws as `check`: with TensorFlow's reason, the operation and its shape. */
export function checked<T>(library: Library, doing: string, call: (status: Pointer) => T, describe?: Describe): T {
  const status = library.NewStatus!() as Pointer
  try {
    const result = call(status)
    check(library, status, doing, describe)
    return result
  } finally {
    library.DeleteStatus!(status)
  }
}

/**
 * Checks a status.
 * @throws UserError unless it is OK; Error with a `code` like Node's where a file could not be written.
 */
export function check(library: Library, status: Pointer, doing: string, describe?: Describe): void {
  const code = library.GetCode!(status) as number
  if (code !== 0) throw failure(code, library.Message!(status) as string, doing, describe)
}

/** The system's messages for failed writes, with Node's codes. TensorFlow reports a full disk as exhausted memory. */
const OF_THE_DISK: Record<string, string> = {
  'No space left on device': 'ENOSPC',
  'Disk quota exceeded': 'EDQUOT',
  'Read-only file system': 'EROFS',
  'File too large': 'EFBIG',
  'Permission denied': 'EACCES',
}

function failure(code: number, message: string, doing: string, describe: Describe | undefined): Error {
  const ofTheDisk = Object.entries(OF_THE_DISK).find(([words]) => message.includes(`; ${words}`))
  if (ofTheDisk) return Object.assign(new Error(message), { code: ofTheDisk[1] })
  const operation = /\{\{node ([^}]+)\}\}/.exec(message)?.[1]
  const reason = message.replace(/\s*\[\[?\{\{node.*$/s, '').split('\n')[0]!
  const what = operation && describe?.(operation)
  const where = operation ? ` at ${operation}${what ? `, ${what}` : ''}` : ''
  const remedy =
    code === RESOURCE_EXHAUSTED
      ? 'Lower training.batch_size or training.source_length.'
      : code === UNAVAILABLE
        ? 'Look at that machine, then go on with --resume.'
        : 'If the eager engine does it (--set training.engine_mode=eager), please report this.'
  return new UserError({
    problem:
      `TensorFlow failed ${doing}${where}: ${CODES[code] ?? code}: ` +
      `${reason.slice(0, LONGEST).replace(/\.$/, '')}.`,
    remedy,
  })
}
