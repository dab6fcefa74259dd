import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { downloadModel } from '../../src/backbone/files/hub.js'
import { hubAccess } from '../../src/hub/access.js'

const TOKEN = 'hf_abcdefgh'
const COMMIT = 'c0ffee'.padEnd(40, '0')

let home: string
const servers: Server[] = []

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'access-'))
  const others = ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE', 'HF_ENDPOINT', 'HF_TOKEN']
  for (const name of others) vi.stubEnv(name, undefined)
  vi.stubEnv('HF_HOME', home)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  rmSync(home, { recursive: true })
})

describe('the token', () => {
  test.each([
    ['of the file', undefined, 'hf_abcdefgh\n', TOKEN],
    ['is the first line of the file', undefined, '\n hf_abcdefgh \r\nhf_another\n', TOKEN],
    ['is the first line of HF_TOKEN', 'hf_abcdefgh\nhf_another', 'hf_of_the_file', TOKEN],
    ['is none where the file is empty', undefined, '\n', undefined],
  ])('%s', (_, variable, file, expected) => {
    vi.stubEnv('HF_TOKEN', variable)
    writeFileSync(join(home, 'token'), file)
    expect(hubAccess().token).toBe(expected)
  })

  test.each([
    ['a note\nhf_abcdefgh', 'is not an access token: they begin with hf_.'],
    ['hf_abc def', 'is not an access token: there is a space in it, or a character beyond ASCII.'],
    ['hf_abc\u00fcdef', 'is not an access token: there is a space in it, or a character beyond ASCII.'],
    ['hf_abc\x1b[2Jdef', 'is not an access token: there is a space in it, or a character beyond ASCII.'],
  ])('%j is refused without a word of it', (text, problem) => {
    writeFileSync(join(home, 'token'), text)
    const remedy = 'Make one at https://huggingface.co/settings/tokens, or unset it.'
    expect(() => hubAccess()).toThrow(`${join(home, 'token')}: ${problem} ${remedy}`)
  })
})

test('a folder instead of the token file is reported', () => {
  mkdirSync(join(home, 'token'))
  expect(() => hubAccess()).toThrow(
    `${join(home, 'token')}: the token can't be read (EISDIR). Put it into HF_TOKEN, or set HF_TOKEN_PATH.`,
  )
})

test.each([
  ['http://me:word@127.0.0.1:1', 'has a user or a password in it, which are not sent.'],
  ['https://me@127.0.0.1:1', 'has a user or a password in it, which are not sent.'],
  ['me:word@127.0.0.1:1', 'is not the address of a hub.'],
  ['huggingface.co', '"huggingface.co" is not the address of a hub.'],
  ['file:///etc', '"file:///etc" is not the address of a hub.'],
])('HF_ENDPOINT=%s is refused, and no password shown', (endpoint, problem) => {
  vi.stubEnv('HF_ENDPOINT', endpoint)
  expect(() => hubAccess()).toThrow(`HF_ENDPOINT: ${problem}`)
  expect(() => hubAccess()).not.toThrow(/word@|me@/)
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A server of its own origin, with what it was asked and shown. */
async function serve(answer: Answer): Promise<{ url: string; seen: [string, string | undefined][] }> {
  const seen: [string, string | undefined][] = []
  const server = createServer((request, response) => {
    seen.push([request.url!, request.headers.authorization])
    answer(request, response)
  })
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const json = (response: ServerResponse, value: unknown) => response.end(JSON.stringify(value))
const file = (path: string, size = 2) => ({ type: 'file', path, size, oid: '9e26dfeeb6e641a33dae4961196235bdb965b21b' }) // of "{}"

/** A hub whose listing goes on, and whose files are, at another server. */
async function hubBeside(other: string) {
  return serve(({ url = '' }, response) => {
    if (url.includes('/revision/')) json(response, { _id: '1', id: 'a/b', sha: COMMIT })
    else if (url.includes('/tree/')) {
      response.setHeader('Link', `<${other}/page2>; rel="next"`)
      json(response, [file('config.json'), file('tokenizer.json')])
    } else response.writeHead(302, { Location: `${other}${url}` }).end()
  })
}

test('a listing that continues, or files, at another origin do not get the token', async () => {
  const other = await serve(({ url }, response) => {
    if (url === '/page2') json(response, [file('model.safetensors')])
    else response.end('{}')
  })
  const hub = await hubBeside(other.url)
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_TOKEN', TOKEN)
  await downloadModel('a/b', { onNote() {} })
  expect(hub.seen.map(([, authorization]) => authorization)).toEqual(hub.seen.map(() => `Bearer ${TOKEN}`))
  expect(other.seen.map(([path]) => path)).toEqual(['/page2', expect.stringMatching(/^\/a\/b\/resolve\//)])
  expect(other.seen.map(([, authorization]) => authorization)).toEqual([undefined, undefined])
})

test.each([
  ['HF_TOKEN', 'with the token in HF_TOKEN'],
  ['a file', 'with the token in FILE'],
  ['nothing', 'without a token'],
])('what is fetched, from where, and the token of %s are printed before the first request', async (from, shown) => {
  const hub = await serve((_, response) => response.writeHead(404).end())
  vi.stubEnv('HF_ENDPOINT', `${hub.url}/`)
  if (from === 'HF_TOKEN') vi.stubEnv('HF_TOKEN', TOKEN)
  if (from === 'a file') writeFileSync(join(home, 'token'), TOKEN)
  const told: [string, number][] = []
  await expect(downloadModel('a/b', { onNote: (line) => told.push([line, hub.seen.length]) })).rejects.toThrow(
    'no such',
  )
  const line = `Fetching the model a/b from ${hub.url}, ${shown.replace('FILE', join(home, 'token'))}.`
  expect(told).toEqual([[line, 0]])
})
