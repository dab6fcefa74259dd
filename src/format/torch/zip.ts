import type { UserError } from '../../base/error.js'

/** An uncompressed file in a zip file. */
export interface ZipEntry {
  name: string
  /** The first byte of its data. */
  begin: number
  size: number
}

type Read = (position: number, length: number) => Uint8Array
type Fail = (problem: string) => UserError

/** The end record, and the longest comment behind it. */
const END = 22
const COMMENT = 65535
const DIRECTORY_LIMIT = 8_000_000

/**
 * Returns the entries of a zip file of less than 4 GiB whose files are not compressed: compressed ones could grow
 * without bound.
 */
export function zipEntries(read: Read, size: number, fail: Fail): Map<string, ZipEntry> {
  if (size < END) throw fail('is not a zip file.')
  const tail = Buffer.from(read(Math.max(0, size - END - COMMENT), Math.min(size, END + COMMENT)))
  const at = tail.lastIndexOf('PK\u0005\u0006', undefined, 'latin1')
  if (at < 0 || at + END > tail.length) throw fail('is not a zip file, or is truncated.')
  const [length, begin] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
  if (begin === 0xffffffff) throw fail('is a zip file of more than 4 GiB, which is not read.')
  if (length > DIRECTORY_LIMIT || begin + length > size) throw fail('has a zip directory that does not fit the file.')
  const entries = new Map<string, ZipEntry>()
  const extents: [number, number][] = []
  const directory = Buffer.from(read(begin, length))
  for (let place = 0; place + 46 <= length; ) {
    if (directory.readUInt32LE(place) !== 0x02014b50) throw fail('has a damaged zip directory.')
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => directory.readUInt16LE(place + offset)) as [
      number,
      number,
      number,
    ]
    const name = directory.toString('utf8', place + 46, place + 46 + nameLength)
    const bytes = directory.readUInt32LE(place + 24)
    if (directory.readUInt16LE(place + 10) !== 0 || directory.readUInt32LE(place + 20) !== bytes) {
      throw fail('has a compressed file in it, which torch.save never writes.')
    }
    const header = directory.readUInt32LE(place + 42)
    const start = dataStart(read, size, header, fail)
    if (start + bytes > size) throw fail('is truncated, or lies about sizes.')
    extents.push([header, start + bytes])
    entries.set(name, { name, begin: start, size: bytes })
    place += 46 + nameLength + extra + comment
  }
  extents.sort(([a], [b]) => a - b)
  if (extents.some(([begin], i) => i > 0 && begin < extents[i - 1]![1])) throw fail('has files in it that overlap.')
  return entries
}

function dataStart(read: Read, size: number, header: number, fail: Fail): number {
  if (header + 30 > size) throw fail('is truncated, or lies about sizes.')
  const local = Buffer.from(read(header, 30))
  if (local.readUInt32LE(0) !== 0x04034b50) throw fail('has a damaged zip directory.')
  return header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
}
