import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, renameSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../base/error.js'
import { openToAppend, writeFully } from '../base/files/atomic.js'
import { filePieces } from '../base/files/hash.js'
import { writeError } from '../base/files/write_error.js'
import { LEAST_BYTES, stallTimer } from './stall.js'

export interface RemoteFile {
  url: string
  token: string | undefined
  size: number
  /** SHA-256 of the content (large files), or git's SHA-1 of it as a blob. */
  digest: { kind: 'sha256' | 'git'; hex: string }
}

export interface DownloadOptions {
  /** Called with the bytes on disk so far, those of an earlier attempt included. */
  onBytes?: (bytes: number) => void
  /** Consecutive attempts that bring almost nothing before it gives up. */
  retries?: number
  /** The delay before the first retry, in milliseconds; it doubles each time. */
  retryDelay?: number
  /** A connection that brings almost nothing for this many milliseconds is dropped and opened again. */
  silence?: number
}

/** The server's answer, or a lost connection, is worth another attempt. */
class Interrupted extends Error {
  constructor(
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/**
 * Downloads to `target` through `target.incomplete`, which a broken download leaves behind and the next one continues.
 * The content is checked against size and digest before it gets its name.
 * @throws UserError where the server refuses, cannot be reached or sends other content, or the disk is full.
 */
export async function downloadFile(remote: RemoteFile, target: string, options: DownloadOptions = {}): Promise<void> {
  const { retries = 5, retryDelay = 500 } = options
  const incomplete = `${target}.incomplete`
  for (let failures = 0; ; ) {
    const before = bytesOf(incomplete)
    try {
      await receive(remote, incomplete, options)
      break
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
      failures = bytesOf(incomplete) >= before + LEAST_BYTES ? 0 : failures + 1
      if (failures > retries) throw gaveUp(remote, incomplete, error)
      await sleep(retryDelay * 2 ** failures)
    }
  }
  if (digestOf(incomplete, remote) !== remote.digest.hex) {
    rmSync(incomplete)
    throw new UserError({
      at: remote.url,
      problem:
        `arrived damaged: its ${remote.digest.kind === 'git' ? 'git hash' : 'SHA-256'} is not ` +
        `${remote.digest.hex}.`,
      remedy: 'Run the command again; if it happens twice, the server or a proxy on the way changes the file.',
    })
  }
  renameSync(incomplete, target)
}

/** Counts the bytes of an earlier attempt that the next one can continue. */
export function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * Receives the rest of the file. The URL pins the commit and the file is named after its digest, so what is on disk is
 * the beginning of the same file.
 */
async function receive(remote: RemoteFile, incomplete: string, options: DownloadOptions): Promise<void> {
  const fd = openToAppend(incomplete)
  const dropped = new AbortController()
  const stall = stallTimer((problem) => dropped.abort(new Error(problem)), options.silence)
  try {
    let done = bytesOf(incomplete)
    if (done > remote.size) done = restart(fd)
    options.onBytes?.(done)
    if (done === remote.size) return
    const response = await request(remote, done, dropped.signal)
    if (done > 0 && response.status !== 206) done = restart(fd)
    for await (const piece of pieces(response)) {
      stall.received(piece.length)
      done += piece.length
      if (done > remote.size) {
        restart(fd)
        throw new UserError({ at: remote.url, problem: `sends more than the ${remote.size} bytes that it announced.` })
      }
      write(fd, incomplete, piece)
      options.onBytes?.(done)
    }
    if (done < remote.size) throw new Interrupted(`the connection closed after ${done} of ${remote.size} bytes`)
  } finally {
    stall.stop()
    closeSync(fd)
  }
}

function write(fd: number, path: string, piece: Uint8Array): void {
  try {
    writeFully(fd, piece)
  } catch (error) {
    throw writeError(path, error)
  }
}

function restart(fd: number): 0 {
  ftruncateSync(fd, 0)
  return 0
}

async function request(remote: RemoteFile, from: number, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { 'Accept-Encoding': 'identity' }
  if (remote.token) headers.Authorization = `Bearer ${remote.token}`
  if (from > 0) headers.Range = `bytes=${from}-`
  let response: Response
  try {
    response = await fetch(remote.url, { headers, signal })
  } catch (error) {
    throw new Interrupted(networkReason(error), undefined, { cause: error })
  }
  const { status } = response
  if (status === 200) return response
  if (status === 206 && response.headers.get('Content-Range')?.startsWith(`bytes ${from}-`)) return response
  await response.body?.cancel()
  const message = `the server answers ${status}`
  if (status === 206 || status === 408 || status === 429 || status >= 500) throw new Interrupted(message, status)
  throw new UserError({ at: remote.url, problem: `${message}.`, remedy: 'Look at the address in a browser.' })
}

async function* pieces(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw new Interrupted(networkReason(error), undefined, { cause: error })
      })
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Returns the reason in a word: fetch says only "fetch failed" and keeps the reason as the cause. */
export function networkReason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}

function gaveUp({ url, size }: RemoteFile, incomplete: string, error: Interrupted): UserError {
  return new UserError(
    {
      at: url,
      problem: `${error.message}; ${bytesOf(incomplete)} of ${size} bytes are here.`,
      remedy: 'Run the command again to continue from there.',
    },
    { cause: error },
  )
}

function digestOf(path: string, { digest, size }: RemoteFile): string {
  const hash = createHash(digest.kind === 'git' ? 'sha1' : 'sha256')
  if (digest.kind === 'git') hash.update(`blob ${size}\0`)
  for (const piece of filePieces(path)) hash.update(piece)
  return hash.digest('hex')
}
