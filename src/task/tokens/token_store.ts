import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, mkdtempSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { openNew } from '../../base/files/atomic.js'
import { cacheFolder, ownCache } from '../../base/files/cache_folder.js'
import { writeError } from '../../base/files/write_error.js'
import { patiently, withLock } from '../../base/lock/lock.js'
import type { RowReader, TextRow } from './reader.js'
import { type Body, fileBody, memoryBody, skipHead } from './token_body.js'
import { CACHE_LIMIT, STORE_ENDING, trimCache } from './token_cache.js'
import { openTokenFile, type TokenStore, tokenWriter } from './token_file.js'
import { checkUnchanged, hashKey, stamps, type TokenKey } from './token_key.js'
import { tokeniseAll } from './tokenise.js'

export type { TokenStore } from './token_file.js'
export type { TokenKey } from './token_key.js'

export interface TokenStoreOptions {
  /** The folder of the stores, made where it is missing; by default in the user's cache. */
  cache?: string
  /** Called with the rows tokenised so far; not called where the store exists already. */
  onProgress?: (rows: number) => void
  /** Called with the bytes of the data files hashed so far, and their total. */
  onHash?: (bytes: number, total: number) => void
  /** Called at once with a line that says which other process is building the same store. */
  onWait?: (line: string) => void
  /** Called where the folder can't be written to: the tokens are then made for this run only. */
  warn?: (text: string) => void
  /** The most bytes that all stores in the folder may take. */
  limit?: number
  /** The most bytes of ids with which a whole store is read into memory. */
  inMemory?: number
}

const IN_MEMORY = 256 * 2 ** 20

/**
 * Returns the examples' token ids: from the cache, or tokenised and put there. It needs the memory of a batch, 32 bytes
 * per row and, for small stores, the ids. `examples` is called only if they have to be tokenised, and again if the disk
 * fills up meanwhile.
 * @throws UserError where a file can't be read, or changes meanwhile; and whatever `examples` throws.
 */
export async function openTokenStore(
  key: TokenKey,
  examples: () => AsyncIterable<TextRow> | Iterable<TextRow>,
  reader: RowReader,
  options: TokenStoreOptions,
): Promise<TokenStore> {
  const before = stamps(key.files)
  const name = await hashKey(key, reader.key, options.onHash)
  const folder = options.cache ?? tokenCacheFolder(options)
  const file = folder && join(folder, name + STORE_ENDING)
  const found = file && open(file, options)
  if (found) return found
  const fill: Fill = async (body, inFile) => {
    const writer = tokenWriter(body, reader.vocabulary, inFile)
    for await (const rows of tokeniseAll(examples(), reader)) {
      orUnwritable(() => writer.append(rows))
      options.onProgress?.(writer.rows)
    }
    checkUnchanged(key.files, before)
    return orUnwritable(() => writer.finish())
  }
  const kept = file === undefined ? undefined : await inCache(file, fill, options)
  return kept ?? (await inTemporaryFile(fill)) ?? (await fill(memoryBody()))
}

/** Undefined, after a warning, where tokens can't be kept, or others could have put theirs. */
function tokenCacheFolder({ warn }: TokenStoreOptions): string | undefined {
  try {
    return ownCache('tokens')
  } catch (error) {
    warn?.(keptOnce(writeError(join(cacheFolder(), 'tokens'), error)))
    return undefined
  }
}

const keptOnce = (reason: unknown) => `Tokens are kept for this run only. ${(reason as Error).message}`

/** Tokenises the examples into the body. */
type Fill = (body: Body, inFile?: { fd: number; key: string }) => Promise<TokenStore>

/** Tokens could not be written, though the examples could be read. */
class Unwritable extends Error {}

function orUnwritable<T>(write: () => T): T {
  try {
    return write()
  } catch (cause) {
    throw new Unwritable('tokens could not be written', { cause })
  }
}

/** Returns the store in the cache; undefined, after a warning, where the folder can't be written to. */
async function inCache(file: string, fill: Fill, options: TokenStoreOptions): Promise<TokenStore | undefined> {
  let failed: { error: unknown } | undefined
  const build = async () => {
    try {
      return open(file, options) ?? (await write(file, fill, options))
    } catch (error) {
      if (!(error instanceof Unwritable)) failed = { error }
      throw error
    }
  }
  try {
    return await withLock(
      `${file}.lock`,
      build,
      patiently((line) => options.onWait?.(line)),
    )
  } catch (error) {
    if (failed) throw failed.error
    options.warn?.(keptOnce(writeError(dirname(file), error instanceof Unwritable ? error.cause : error)))
    return undefined
  }
}

function open(file: string, { inMemory = IN_MEMORY }: TokenStoreOptions): TokenStore | undefined {
  const store = openTokenFile(file, keyOf(file), inMemory)
  if (store) touch(file)
  return store
}

const keyOf = (file: string) => basename(file, STORE_ENDING)

/** Sets the time of change to the time of last use, by which `trimCache` decides what to remove. */
function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // A read-only cache is not trimmed either.
  }
}

async function write(file: string, fill: Fill, options: TokenStoreOptions): Promise<TokenStore> {
  const partial = `${file}.${randomUUID()}.partial`
  const fd = orUnwritable(() => openNew(partial, 0o600))
  try {
    try {
      orUnwritable(() => skipHead(fd))
      await fill(fileBody(fd), { fd, key: keyOf(file) })
      orUnwritable(() => fsyncSync(fd))
    } finally {
      closeSync(fd)
    }
    return orUnwritable(() => {
      renameSync(partial, file)
      trimCache(dirname(file), basename(file), options.limit ?? CACHE_LIMIT)
      const store = open(file, options)
      if (!store) throw new Error(`${file}: cannot be read back.`)
      return store
    })
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

/** Makes the store in a file without a name: the system removes it when it is closed, also after a crash. */
async function inTemporaryFile(fill: Fill): Promise<TokenStore | undefined> {
  let fd: number | undefined
  try {
    fd = orUnwritable(unnamedFile)
    return await fill(fileBody(fd))
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    if (error instanceof Unwritable) return undefined
    throw error
  }
}

function unnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-tokens-'))
  try {
    const fd = openNew(join(folder, 'tokens'))
    skipHead(fd)
    return fd
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
