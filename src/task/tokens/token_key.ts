import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { tokenizerSources } from '../../backbone/files/vocabulary/tokenizer_files.js'
import { hashFiles, hashFilesInPieces, stampOf } from '../../base/files/hash.js'
import { changed } from '../rows/lines.js'
import { FORMAT } from './token_file.js'

/** Everything that decides what the tokens are; the store's name is its hash. */
export interface TokenKey {
  /** The files that the examples are read from, in order. Their bytes are hashed. */
  files: string[]
  /** How their rows become examples (prompt, labels, which rows): anything that JSON can write. */
  text: unknown
  tokenizerFile: string
}

/**
 * Returns the SHA-256, in hexadecimal, of all that the key names, and of what decides the ids besides.
 * @throws UserError where a file can't be read.
 */
export async function hashKey(
  { files, text, tokenizerFile }: TokenKey,
  reader: unknown,
  onHash?: (bytes: number, total: number) => void,
): Promise<string> {
  const data = [await hashFilesInPieces(files, onHash), ...sizesOf(files)]
  const tokenizer = hashFiles(tokenizerSources(tokenizerFile))
  const all = JSON.stringify({ format: FORMAT, data, text, tokenizer, reader })
  return createHash('sha256').update(all).digest('hex')
}

/** Returns the sizes of several files, which say where each ends: the hash is of their bytes one after the other. */
const sizesOf = (files: string[]): number[] => (files.length === 1 ? [] : files.map((file) => statSync(file).size))

export const stamps = (files: string[]): string[] => files.map(stampOf)

/**
 * Checks that no file has changed since it was hashed: tokens of other content must not get the hash as their name.
 * @throws UserError
 */
export function checkUnchanged(files: string[], before: string[]): void {
  const after = stamps(files)
  const different = files.find((_, i) => before[i] !== after[i])
  if (different !== undefined) throw changed(different)
}
