import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { downloadModel } from '../../src/backbone/files/hub.js'
import { fetchArchive } from '../../src/engine/device/provision/archive.js'
import { downloadFile } from '../../src/hub/download.js'

let folder: string
let server: Server
const timers: NodeJS.Timeout[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stall-'))
  for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE']) {
    vi.stubEnv(name, undefined)
  }
  vi.stubEnv('HF_HOME', folder)
})

afterEach(() => {
  vi.unstubAllEnvs()
  for (const timer of timers.splice(0)) clearInterval(timer)
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A byte now and then, without end. */
function drip(response: ServerResponse): void {
  timers.push(setInterval(() => response.write('x'), 20))
}

const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'did not fail', String)
const digest = { kind: 'sha256', hex: 'ab' } as const
const patience = { silence: 300, retries: 1, retryDelay: 1 }

test('a server that drips is given up, though each attempt brings some bytes', async () => {
  const url = await serve((_, response) => drip(response.writeHead(200)))
  const remote = { url: `${url}/weights`, token: undefined, size: 1_000_000, digest }
  expect(await failure(downloadFile(remote, join(folder, 'weights'), patience))).toMatch(
    /^UserError: http:\S+\/weights: only \d+ bytes in 0\.3 s; \d+ of 1000000 bytes are here\. Run the command again to continue from there\.$/,
  )
})

test('a server that accepts a request and never answers is given up', async () => {
  const url = await serve(() => {})
  const remote = { url: `${url}/weights`, token: undefined, size: 1_000_000, digest }
  expect(await failure(downloadFile(remote, join(folder, 'weights'), patience))).toMatch(/: silent for 0\.3 s; 0 of/)
})

test("setup's download is given up where it drips", async () => {
  const url = await serve((_, response) => drip(response.writeHead(200, { 'Content-Length': '1000000' })))
  const archive = { url: `${url}/library.tar.gz`, sha256: 'ab' }
  expect(await failure(fetchArchive(archive, folder, () => {}, 300))).toMatch(
    /^Error: http:\S+\/library\.tar\.gz broke off \(only \d+ bytes in 0\.3 s\)$/,
  )
})

/** A hub whose listing is what `tree` answers. */
async function hub(tree: (response: ServerResponse, url: string) => void): Promise<void> {
  const url = await serve((request, response) => {
    if (!request.url!.includes('/tree/')) {
      response.end(JSON.stringify({ _id: '1', id: 'someone/t5', sha: 'c'.repeat(40) }))
    } else tree(response, url + request.url!)
  })
  vi.stubEnv('HF_ENDPOINT', url)
}

test('a listing whose pages never end is one error', async () => {
  await hub((response, url) => response.setHeader('Link', `<${url}>; rel="next"`).end('[]'))
  expect(await failure(downloadModel('someone/t5'))).toMatch(
    /^UserError: http:\S+\/someone\/t5: lists its files on more than 100 pages, as no hub does\. Check HF_ENDPOINT/,
  )
})

test('a listing that is 200 kB and would be 200 MB is one error', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20, ' '))
  await hub((response) => response.setHeader('Content-Encoding', 'gzip').end(bomb))
  expect(await failure(downloadModel('someone/t5'))).toMatch(
    /^UserError: http:\S+\/someone\/t5: answers with more than 16777216 bytes, as no hub does\./,
  )
})
