import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, readSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import { refusePointer } from '../../base/files/lfs_pointer.js'
import { openFile } from '../../base/files/read.js'

/** A longer line is not a row of text; this limits the memory that a wrong file can take. */
export const LONGEST_LINE = 16 * 2 ** 20
const CHUNK = 2 ** 20
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

export interface Line {
  /** The line's number, from 1. */
  number: number
  /**
   * The text without its line ending and, on the first line, without the byte-order mark; undefined if it is not UTF-8.
   */
  text: string | undefined
  /** The file ends in this line, without a line break. */
  last?: true
}

/**
 * Yields the lines of a text file, with one chunk in memory at a time.
 * @throws UserError if the file can't be read, changes meanwhile, is in UTF-16 or a Git LFS pointer, holds a NUL byte,
 *   or has a line beyond `LONGEST_LINE` bytes.
 */
export function* readLines(file: string): Generator<Line> {
  const descriptor = open(file)
  try {
    const before = stampOf(descriptor)
    let number = 1
    let begun: Buffer[] = []
    let lineBreak: number | undefined
    for (;;) {
      const chunk = nextChunk(descriptor, file)
      if (chunk.length === 0) break
      lineBreak ??= checkBeginning(file, chunk)
      let start = 0
      for (let end = chunk.indexOf(lineBreak); end !== -1; end = chunk.indexOf(lineBreak, start)) {
        yield decode(file, number++, [...begun, chunk.subarray(start, end)])
        begun = []
        start = end + 1
      }
      if (start < chunk.length) begun.push(chunk.subarray(start))
      checkLength(file, number, begun)
    }
    if (stampOf(descriptor) !== before) throw changed(file)
    if (begun.length > 0) yield { ...decode(file, number, begun), last: true }
  } finally {
    closeSync(descriptor)
  }
}

/** Returns a text that changes when the file is written to; a pipe has none. */
function stampOf(descriptor: number): string {
  const stats = fstatSync(descriptor, { bigint: true })
  return stats.isFile() ? `${stats.size} ${stats.mtimeNs}` : ''
}

function open(file: string): number {
  try {
    return openFile(file, { named: true })
  } catch (error) {
    throw readError(file, error)
  }
}

function nextChunk(descriptor: number, file: string): Buffer {
  const chunk = Buffer.allocUnsafe(CHUNK)
  try {
    return chunk.subarray(0, readSync(descriptor, chunk, 0, CHUNK, null))
  } catch (error) {
    throw readError(file, error)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file.',
  EACCES: 'this user may not read it.',
  EISDIR: 'is a folder, not a file of rows.',
}

/** Says why a file of rows could not be opened or read. */
export function readError(file: string, error: unknown): UserError {
  if (error instanceof UserError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  return new UserError({ at: file, problem: REASONS[code] ?? `can't be read: ${message}.` }, { cause: error })
}

function decode(file: string, number: number, parts: Buffer[]): Line {
  checkLength(file, number, parts)
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  if (bytes.includes(0)) throw binary(file, number)
  return { number, text: lineText(bytes, number) }
}

/** Returns a line's text, as in `Line`, from its bytes up to the line break. */
export function lineText(bytes: Buffer, number: number): string | undefined {
  if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1)
  if (number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3)
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

const UTF16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])]

/**
 * Returns the byte that ends lines: a line feed, or a carriage return where a file has only those (as classic Mac OS
 * wrote them, and Excel's "CSV (Macintosh)" does).
 * @throws UserError for UTF-16, recognised by its byte-order mark, and for a Git LFS pointer.
 */
export function checkBeginning(file: string, head: Buffer): number {
  if (UTF16.some((mark) => head.subarray(0, 2).equals(mark)))
    throw new UserError({ at: file, problem: 'the text is in UTF-16.', remedy: 'Save it as UTF-8 text.' })
  refusePointer(file, head)
  const carriageReturn = head.indexOf(CARRIAGE_RETURN)
  const isAlone = carriageReturn !== -1 && carriageReturn < head.length - 1 && !head.includes(NEWLINE)
  return isAlone ? CARRIAGE_RETURN : NEWLINE
}

/** The error for a file that changed while it was read: some of its rows are old, some new, and one may be cut. */
export function changed(file: string): UserError {
  return new UserError({
    at: file,
    problem: 'was changed while it was read.',
    remedy: 'Run again when nothing writes to it.',
  })
}

function checkLength(file: string, number: number, parts: Buffer[]): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length <= LONGEST_LINE) return
  if (parts.some((part) => part.includes(0))) throw binary(file, number)
  throw new UserError({
    at: `${file}:${number}`,
    problem: 'the line is longer than 16 MiB.',
    remedy: 'Each row needs a line of its own.',
  })
}

function binary(file: string, number: number): UserError {
  return new UserError({
    at: `${file}:${number}`,
    problem: 'there is a NUL byte: this is a binary file, or text in UTF-16.',
    remedy: 'Save it as UTF-8 text.',
  })
}
