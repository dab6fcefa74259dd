import { UserError } from '../error.js'

const REASONS: Record<string, { problem: string; remedy: string }> = {
  ENOSPC: { problem: 'the disk is full.', remedy: 'Free some space, or write to another disk.' },
  EDQUOT: { problem: 'the disk quota is used up.', remedy: 'Free some space, or write to another disk.' },
  EFBIG: { problem: 'the file is too large for this file system.', remedy: 'Write to another disk.' },
  EACCES: { problem: 'no permission to write here.', remedy: 'Choose another folder, or change its permissions.' },
  EPERM: { problem: 'no permission to write here.', remedy: 'Choose another folder, or change its permissions.' },
  EROFS: { problem: 'the file system is read-only.', remedy: 'Choose another folder.' },
  ENOTDIR: { problem: 'part of the path is a file, not a folder.', remedy: 'Choose another folder.' },
  EISDIR: { problem: 'is a folder.', remedy: 'Choose another name.' },
  ENOENT: { problem: 'the folder does not exist.', remedy: 'Create it first.' },
  ELOOP: { problem: 'is a link, which is not followed.', remedy: 'Delete the link, or put the file itself there.' },
  EPIPE: { problem: 'its reader has ended.', remedy: 'Start it again, with a reader that reads all of it.' },
}

/**
 * Returns an error that says what the user can do about a failed write, or `error` itself where they can do nothing.
 */
export function writeError(path: string, error: unknown): unknown {
  const reason = REASONS[(error as NodeJS.ErrnoException)?.code ?? '']
  return reason ? new UserError({ at: path, ...reason }, { cause: error }) : error
}

/** Codes that only a write fails with, so the error is certain to come from one. */
const OF_WRITING = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG']

/**
 * Turns an error of the file system into one that the user can act on, if a write failed; returns any other error
 * unchanged. `place` is named where the error itself names no path.
 */
export function asUserError(error: unknown, place = 'a file'): unknown {
  const { code = '', path, dest } = (error ?? {}) as NodeJS.ErrnoException & { dest?: string }
  return OF_WRITING.includes(code) ? writeError(dest ?? path ?? place, error) : error
}
