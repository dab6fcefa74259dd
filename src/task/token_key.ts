import { createHash } from 'node:crypto'
import { type BigIntStats, createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { changed, readError } from './lines.js'
import { FORMAT } from './token_file.js'
import type { TokenLimits } from './tokenise.js'

/** All that decides what the tokens are; the store's name is its hash. */
export interface TokenKey {
  /** Files that the examples are read from, in the order in which they count. Their bytes are hashed. */
  files: string[]
  /** What makes examples of their rows (prompt, labels, which rows): anything that JSON can write. */
  text: unknown
  tokenizerFile: string
}

/** SHA-256, in hexadecimal, of all that the key names, and the id that ends rows, which another file may name. @throws UserError where a file can't be read. */
export async function hashKey(
  { files, text, tokenizerFile }: TokenKey,
  eos: number,
  limits: TokenLimits,
  onHash?: (bytes: number, total: number) => void,
): Promise<string> {
  const total = (await Promise.all(files.map(statOf))).reduce((sum, { size }) => sum + Number(size), 0)
  let done = 0
  const data: string[] = []
  const hashed = (bytes: number) => {
    done += bytes
    onHash?.(done, total)
  }
  for (const file of files) data.push(await hashFile(file, hashed))
  const tokenizer = await hashFile(tokenizerFile)
  const { source, target } = limits
  const all = JSON.stringify({ format: FORMAT, data, text, tokenizer, eos, source, target })
  return createHash('sha256').update(all).digest('hex')
}

async function hashFile(file: string, onBytes?: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(file, { highWaterMark: 2 ** 22 }) as AsyncIterable<Buffer>) {
      hash.update(piece)
      onBytes?.(piece.length)
    }
  } catch (error) {
    throw readError(file, error)
  }
  return hash.digest('hex')
}

/** What tells that a file was written to or replaced. @throws UserError where there is none. */
export async function stamps(files: string[]): Promise<string[]> {
  const all = await Promise.all(files.map(statOf))
  return all.map(({ size, mtimeNs, ino }) => `${size} ${mtimeNs} ${ino}`)
}

async function statOf(file: string): Promise<BigIntStats> {
  try {
    return await stat(file, { bigint: true })
  } catch (error) {
    throw readError(file, error)
  }
}

/** The name says what the file held when it was hashed, so tokens of anything else must not have that name. @throws UserError */
export function checkUnchanged(files: string[], before: string[], after: string[]): void {
  const different = files.find((_, i) => before[i] !== after[i])
  if (different !== undefined) throw changed(different)
}
