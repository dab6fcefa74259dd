import { createHash } from 'node:crypto'
import { closeSync, fstatSync, writeSync } from 'node:fs'
import { openFile } from '../../base/files/read.js'
import { Int32List } from '../../base/numbers/int32_list.js'
import { type Body, fileBody, HEAD_BYTES, memoryBody, readFully } from './token_body.js'
import type { CutRows } from './tokenise.js'

/** Increases with every change of the format, or of how a text becomes tokens. */
export const FORMAT = 4

/** Token ids by row, from 0. Close it when no row is needed any more. */
export interface TokenStore {
  readonly rows: number
  /** Tokens of each row's source, including `</s>`. */
  readonly sourceLengths: Int32Array
  readonly targetLengths: Int32Array
  /** Tokens that each row's source had before it was cut; −n: the first n were counted, and there are more. */
  readonly wholeSourceLengths: Int32Array
  readonly wholeTargetLengths: Int32Array
  source(row: number): Int32Array
  target(row: number): Int32Array
  close(): void
}

/** The head of a file: JSON, then blanks. Numbers in the file have this machine's byte order. */
interface Head {
  format: number
  littleEndian: boolean
  key: string
  rows: number
  bytesPerId: 2 | 4
  bodyBytes: number
  /** SHA-256 of ids and lengths. */
  sha256: string
}

const PIECE = 2 ** 22
/** The number of lengths of a row in the file: source and target after the cut, and before it. */
const LENGTHS = 4
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** A store that is written row after row: its ids go to the body, its lengths are kept. */
export interface Writer {
  readonly rows: number
  append(rows: CutRows): void
  finish(): TokenStore
}

/** With `inFile`, a head and the lengths are written too, so that `openTokenFile` can read the file. */
export function tokenWriter(body: Body, vocabularySize: number, inFile?: { fd: number; key: string }): Writer {
  const bytesPerId = vocabularySize <= 0x10000 ? 2 : 4
  const hash = createHash('sha256')
  const lengths = new Int32List()
  let bodyBytes = 0
  const write = (bytes: Uint8Array) => {
    hash.update(bytes)
    body.append(bytes)
  }
  return {
    get rows() {
      return lengths.length / LENGTHS
    },
    append({ source, target, whole }) {
      const ids = packed(source, target, bytesPerId)
      write(ids)
      bodyBytes += ids.length
      for (const [i, row] of source.entries())
        for (const length of [row.length, target[i]!.length, whole.source[i]!, whole.target[i]!]) lengths.push(length)
    },
    finish() {
      const interleaved = lengths.values()
      if (inFile) {
        write(bytesOf(interleaved))
        const rows = interleaved.length / LENGTHS
        const { fd, key } = inFile
        writeHead(fd, { format: FORMAT, littleEndian, key, rows, bytesPerId, bodyBytes, sha256: hash.digest('hex') })
      }
      return tokenStore(body, bytesPerId, interleaved)
    },
  }
}

/** Returns the ids of a batch's rows one after the other, each row's source before its target. */
function packed(source: Int32Array[], target: Int32Array[], bytesPerId: 2 | 4): Uint8Array {
  const idsIn = (rows: Int32Array[]) => rows.reduce((sum, { length }) => sum + length, 0)
  const count = idsIn(source) + idsIn(target)
  const ids = bytesPerId === 2 ? new Uint16Array(count) : new Int32Array(count)
  let at = 0
  for (const [i, row] of source.entries()) {
    ids.set(row, at)
    ids.set(target[i]!, at + row.length)
    at += row.length + target[i]!.length
  }
  return bytesOf(ids)
}

const bytesOf = (array: Uint16Array | Int32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

function writeHead(fd: number, head: Head): void {
  const bytes = Buffer.from(
    JSON.stringify(head)
      .padEnd(HEAD_BYTES - 1)
      .concat('\n'),
  )
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, done)
}

/**
 * Opens a store that `finish` has written; undefined where the file is missing, cut short, damaged, of another format
 * or of another key. Up to `inMemory` bytes are kept in memory; of a larger store, rows are read when asked for.
 */
export function openTokenFile(file: string, key: string, inMemory: number): TokenStore | undefined {
  let fd: number
  try {
    fd = openFile(file)
  } catch {
    return undefined
  }
  try {
    const store = readTokenFile(fd, key, inMemory)
    if (store) return store
  } catch {
    // a file that can't be read is treated like a missing one
  }
  closeSync(fd)
  return undefined
}

function readTokenFile(fd: number, key: string, inMemory: number): TokenStore | undefined {
  const head = readHead(fd)
  if (head?.format !== FORMAT || head.littleEndian !== littleEndian || head.key !== key) return undefined
  const { rows, bytesPerId, bodyBytes } = head
  if (fstatSync(fd).size !== HEAD_BYTES + bodyBytes + rows * LENGTHS * 4) return undefined
  const hash = createHash('sha256')
  const memory = bodyBytes <= inMemory ? memoryBody() : undefined
  for (let at = 0; at < bodyBytes; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, bodyBytes - at))
    readFully(fd, piece, HEAD_BYTES + at)
    hash.update(piece)
    memory?.append(piece)
  }
  const lengths = new Int32Array(rows * LENGTHS)
  readFully(fd, bytesOf(lengths), HEAD_BYTES + bodyBytes)
  const ids = lengths.reduce((sum, length, i) => (i % LENGTHS < 2 ? sum + length : sum), 0)
  if (ids * bytesPerId !== bodyBytes) return undefined
  if (hash.update(bytesOf(lengths)).digest('hex') !== head.sha256) return undefined
  if (memory) closeSync(fd)
  return tokenStore(memory ?? fileBody(fd), bytesPerId, lengths)
}

function readHead(fd: number): Head | undefined {
  const bytes = Buffer.alloc(HEAD_BYTES)
  readFully(fd, bytes, 0)
  return JSON.parse(bytes.toString('latin1')) as Head
}

/** `lengths` [rows, 4]: source and target of each row after the cut, then before it. */
function tokenStore(body: Body, bytesPerId: 2 | 4, lengths: Int32Array): TokenStore {
  const rows = lengths.length / LENGTHS
  const column = (i: number) => new Int32Array(rows).map((_, row) => lengths[LENGTHS * row + i]!)
  const [sourceLengths, targetLengths] = [column(0), column(1)]
  const starts = new Float64Array(rows) // counted in ids, which can exceed 2³²
  for (let row = 1; row < rows; row++) {
    starts[row] = starts[row - 1]! + sourceLengths[row - 1]! + targetLengths[row - 1]!
  }
  const ids = (row: number, start: number, length: number | undefined) => {
    if (length === undefined) throw new RangeError(`row ${row} of ${rows}`)
    const bytes = body.read(start * bytesPerId, length * bytesPerId)
    return bytesPerId === 4 ? new Int32Array(bytes.buffer) : Int32Array.from(new Uint16Array(bytes.buffer))
  }
  return {
    rows,
    sourceLengths,
    targetLengths,
    wholeSourceLengths: column(2),
    wholeTargetLengths: column(3),
    source: (row) => ids(row, starts[row]!, sourceLengths[row]),
    target: (row) => ids(row, starts[row]! + sourceLengths[row]!, targetLengths[row]),
    close: () => body.close(),
  }
}
