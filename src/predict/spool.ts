import { closeSync, rmSync } from 'node:fs'
import { openNew, temporaryName, writeFully } from '../base/files/atomic.js'
import { readFully } from '../base/files/read.js'
import { writeError } from '../base/files/write_error.js'

/** Records that wait on disk until the last has arrived: they take no memory, and no file is left behind. */
export interface Spool {
  add(record: unknown): void
  /** Yields all records, in their order. */
  records(): Generator<unknown>
  close(): void
}

/** Bytes of a record's length, in front of it. */
const HEAD = 4

/** Opens a file without a name next to `path`, on the same disk. @throws UserError where it can't be written. */
export function openSpool(path: string): Spool {
  const fd = openNameless(path)
  let end = 0
  return {
    add(record) {
      const bytes = Buffer.from(JSON.stringify(record))
      const head = Buffer.alloc(HEAD)
      head.writeUInt32LE(bytes.length)
      try {
        writeFully(fd, Buffer.concat([head, bytes]))
      } catch (error) {
        throw writeError(path, error)
      }
      end += HEAD + bytes.length
    },
    *records() {
      const read = (at: number, bytes: Buffer) => {
        if (!readFully(fd, at, bytes)) throw new Error('the spool ends early')
        return bytes
      }
      for (let at = 0; at < end; ) {
        const length = read(at, Buffer.alloc(HEAD)).readUInt32LE()
        yield JSON.parse(read(at + HEAD, Buffer.alloc(length)).toString())
        at += HEAD + length
      }
    },
    close: () => closeSync(fd),
  }
}

/** Removes the file's name at once, so that a kill leaves nothing. */
function openNameless(path: string): number {
  const name = temporaryName(path)
  try {
    const fd = openNew(name, 0o600)
    rmSync(name)
    return fd
  } catch (error) {
    throw writeError(path, error)
  }
}
