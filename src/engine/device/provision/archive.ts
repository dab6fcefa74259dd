import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openNew } from '../../../base/files/atomic.js'
import { asUserError } from '../../../base/files/write_error.js'
import { byteSize } from '../../../base/text/size.js'
import { stallTimer } from '../../../hub/stall.js'
import { runProgram } from './process.js'

/** A host behind a firewall often does not answer at all. */
const CONNECT_MS = 5000
/** The largest archive that we download has some 400 MB. */
const MOST_BYTES = 2 ** 30

export interface Archive {
  url: string
  sha256: string
}

/**
 * Downloads a .tar.gz and unpacks it into the folder, after the whole of it has been checked against the hash.
 * `silence` is the number of milliseconds in which some data has to arrive.
 * @throws Error with the host or the address, where it can't be reached, stops, or has other content.
 */
export async function fetchArchive(
  { url, sha256 }: Archive,
  folder: string,
  report: (line: string) => void,
  silence?: number,
): Promise<void> {
  const place = new URL(url)
  const here = ['127.0.0.1', '[::1]', 'localhost'].includes(place.hostname)
  if (place.protocol !== 'https:' && !here) throw new Error(`${url} is not https`)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'archive.tar.gz')
  const found = await download(url, file, report, silence)
  if (found !== sha256) throw new Error(`${url} is not what this version knows: its SHA-256 is ${found}, not ${sha256}`)
  await runProgram('tar', ['-xzf', file, '-C', folder], { seconds: 600 })
  await rm(file)
}

/** Returns the SHA-256 of what was written. */
async function download(
  url: string,
  file: string,
  report: (line: string) => void,
  silence: number | undefined,
): Promise<string> {
  const response = await connect(url)
  const size = Number(response.headers.get('content-length'))
  if (size) report(`downloading ${url.split('/').at(-1)} (${byteSize(size)})`)
  const body = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream)
  const fail = (problem: string) => body.destroy(new Error(`${url} ${problem}`))
  const stall = stallTimer((problem) => fail(`broke off (${problem})`), silence)
  const hash = createHash('sha256')
  let bytes = 0
  body.on('data', (piece: Buffer) => {
    stall.received(piece.length)
    hash.update(piece)
    bytes += piece.length
    if (bytes > MOST_BYTES) fail(`sends more than ${MOST_BYTES} bytes`)
  })
  try {
    await pipeline(body, createWriteStream(file, { fd: openNew(file) }))
  } catch (error) {
    const known = asUserError(error, file)
    if (known !== error) throw known // the disk, not the connection
    const { message, cause } = error as Error & { cause?: Error }
    throw new Error(message.startsWith(url) ? message : `${url} broke off (${cause?.message ?? message})`)
  } finally {
    stall.stop()
  }
  return hash.digest('hex')
}

async function connect(url: string): Promise<Response> {
  const connecting = new AbortController()
  const timer = setTimeout(() => connecting.abort(), CONNECT_MS)
  const response = await fetch(url, { signal: connecting.signal }).catch((error: Error) => {
    const cause = error.cause as NodeJS.ErrnoException | undefined
    const reason = connecting.signal.aborted ? `no answer in ${CONNECT_MS / 1000} s` : (cause?.code ?? cause?.message)
    throw new Error(`${new URL(url).host} can't be reached (${reason})`)
  })
  clearTimeout(timer)
  if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status} ${response.statusText}`)
  return response
}
