import { closeSync, readSync } from 'node:fs'
import { writeFully } from '../../base/files/atomic.js'

/** Where the bytes of a store are: a file, or this process's memory. */
export interface Body {
  /** Returns a copy; what was appended first is at 0. */
  read(position: number, length: number): Uint8Array
  append(bytes: Uint8Array): void
  close(): void
}

/** The ids in a file begin here; the head before them says what the file holds. */
export const HEAD_BYTES = 512

/** Appends at the file's position, which is after the head, and reads anywhere. */
export function fileBody(fd: number): Body {
  let open = true
  return {
    append: (bytes) => writeFully(fd, bytes),
    read(position, length) {
      const bytes = new Uint8Array(length)
      readFully(fd, bytes, HEAD_BYTES + position)
      return bytes
    },
    close() {
      if (open) closeSync(fd) // closing twice could close another file with the same number
      open = false
    },
  }
}

/** Leaves room for the head, which is written last. */
export function skipHead(fd: number): void {
  writeFully(fd, new Uint8Array(HEAD_BYTES))
}

/** Keeps the pieces as they came, as no single buffer may be large enough for all of them. */
export function memoryBody(): Body {
  const pieces: { start: number; bytes: Uint8Array }[] = []
  let size = 0
  const pieceAt = (position: number) => {
    let low = 0
    for (let high = pieces.length - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2)
      if (pieces[middle]!.start <= position) low = middle
      else high = middle - 1
    }
    return low
  }
  return {
    append(bytes) {
      pieces.push({ start: size, bytes })
      size += bytes.length
    },
    read(position, length) {
      const result = new Uint8Array(length)
      for (let done = 0, i = pieceAt(position); done < length; i++) {
        const { start, bytes } = pieces[i]!
        const part = bytes.subarray(position + done - start, position + length - start)
        result.set(part, done)
        done += part.length
      }
      return result
    },
    close() {
      pieces.length = 0
    },
  }
}

/** Fills `into` from that position of the file. @throws Error where the file ends before. */
export function readFully(fd: number, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length; ) {
    const count = readSync(fd, into, done, into.length - done, position + done)
    if (count === 0) throw new Error('the file of tokens is shorter than it was')
    done += count
  }
}
