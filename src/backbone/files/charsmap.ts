import { isUtf8 } from 'node:buffer'

/** The most bytes that may replace one character; those of SentencePiece's own tables have up to 33. */
const LONGEST = 256

/**
 * Returns what is wrong with a `precompiled_charsmap`: the size of a trie, the trie, and the texts that it points to,
 * each ended by a zero byte. The library follows both without checking their ends, and crashes the process where they
 * lead out. The trie is a double array: https://github.com/s-yata/darts-clone, include/darts.h, DoubleArrayUnit.
 */
export function charsmapProblem(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return undefined // no table
  if (bytes.length < 4 || bytes.readUInt32LE(0) > bytes.length - 4 || bytes.readUInt32LE(0) % 1024 !== 0)
    return 'precompiled_charsmap is cut short'
  const size = bytes.readUInt32LE(0)
  const units = size / 4
  const texts = bytes.subarray(4 + size)
  if (!isUtf8(texts)) return 'precompiled_charsmap has texts that are not UTF-8'
  for (let i = 0; i < units; i++) {
    const unit = bytes.readUInt32LE(4 + 4 * i)
    const problem = unit >>> 31 ? textProblem(texts, unit & 0x7fffffff) : nodeProblem(unit, i, units)
    if (problem) return `precompiled_charsmap ${problem}`
  }
  return undefined
}

/** A node's children are in one block of 256 units. */
function nodeProblem(unit: number, at: number, units: number): string | undefined {
  const offset = (unit >>> 10) << ((unit & (1 << 9)) >>> 6)
  return ((at ^ offset) | 255) >>> 0 < units ? undefined : 'leads out of its trie'
}

function textProblem(texts: Buffer, start: number): string | undefined {
  if (start >= texts.length || (texts[start]! & 0xc0) === 0x80) return 'leads out of its texts'
  const end = texts.indexOf(0, start)
  return end === -1 || end - start > LONGEST ? `has a text of more than ${LONGEST} bytes` : undefined
}
