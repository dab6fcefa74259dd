import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DownloadProgress } from '../../../src/hub/snapshot.js'
import { officialRows } from '../../../src/task/benchmark/official.js'
import { HubServer, type HubServerOptions } from '../../support/hub-server.js'
import { collect } from '../collect.js'

// parquet by pyarrow, test/oracle/hub_files.py
const fixture = (path: string) => readFileSync(new URL(`../../fixtures/hub/${path}`, import.meta.url))
const [FIRST, SECOND] = [0, 1].map((i) => `sst2/train-0000${i}-of-00002.parquet`) as [string, string]
const FILES = {
  'README.md': Buffer.from('Not needed.'),
  [FIRST]: fixture(`glue/${FIRST}`),
  [SECOND]: fixture(`glue/${SECOND}`),
  'sst2/test-00000-of-00001.parquet': Buffer.from('Not needed.'),
  'mnli/validation_matched-00000-of-00001.parquet': fixture('glue/mnli/validation_matched-00000-of-00001.parquet'),
}

let home: string
let server: HubServer
let url: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'datasets-'))
  for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE']) {
    vi.stubEnv(name, undefined)
  }
  vi.stubEnv('HF_HOME', home)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await server?.stop()
  rmSync(home, { recursive: true })
})

async function serve(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  server = await new HubServer({ files: FILES, id: 'nyu-mll/glue', type: 'dataset', lfsFrom: 1000, ...options }).start()
  url = server.url
  vi.stubEnv('HF_ENDPOINT', url)
  return server
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'did not fail',
    (error) => `${error.name}: ${error.message}`.replaceAll(url, 'URL').replaceAll(home, 'HOME'),
  )

const storage = () => join(home, 'hub', 'datasets--nyu-mll--glue')
const sent = () => server.requests.filter((request) => request.sent > 0)

test('downloads the shards of one split, in the layout of the Python libraries, and reads them in order', async () => {
  await serve()
  const seen: DownloadProgress[] = []
  const { file, files, rows } = await officialRows('glue/sst2', 'train', { onProgress: (each) => seen.push(each) })
  const snapshot = join(storage(), 'snapshots', server.commit)
  expect(files).toEqual([join(snapshot, FIRST), join(snapshot, SECOND)])
  expect(file).toBe(join(snapshot, 'sst2/train-*.parquet'))
  expect(lstatSync(files[0]!).isSymbolicLink()).toBe(true)
  expect(readdirSync(snapshot)).toEqual(['sst2'])
  expect(readFileSync(join(storage(), 'refs/main'), 'utf8')).toBe(server.commit)
  const total = FILES[FIRST]!.length + FILES[SECOND]!.length
  expect(seen.at(-1)).toEqual({ file: SECOND, bytes: total, totalBytes: total })
  expect((await collect(rows())).map((row) => 'values' in row && row.values.sentence)).toEqual([
    'He said "no',
    "it 's  a café .",
    '"Quoted" and \'not\'',
    'naïve 😀 text',
    'a, b; c?',
    'plain words here',
  ])
})

test('the second call makes no request, and works offline', async () => {
  await serve()
  const { files } = await officialRows('glue/sst2', 'train')
  const before = server.requests.length
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  expect((await officialRows('glue/sst2', 'train')).files).toEqual(files)
  expect(server.requests.length).toBe(before)
})

test('another task of the data set is added to the same snapshot', async () => {
  await serve()
  await officialRows('glue/sst2', 'train')
  const { files } = await officialRows('glue/mnli', 'test')
  expect(files).toEqual([join(storage(), 'snapshots', server.commit, 'mnli/validation_matched-00000-of-00001.parquet')])
})

test('a cache with one of two shards fetches the other', async () => {
  await serve()
  const { files } = await officialRows('glue/sst2', 'train')
  rmSync(files[1]!)
  rmSync(join(storage(), 'blobs'), { recursive: true })
  await officialRows('glue/sst2', 'train')
  expect(readFileSync(files[1]!).equals(FILES[SECOND]!)).toBe(true)
})

test('a connection that was cut is taken up where it broke', async () => {
  await serve()
  server.cuts.set(FIRST, { after: 700, times: 1 })
  await officialRows('glue/sst2', 'train')
  expect(sent().map(({ range }) => range)).toContain('bytes=700-')
})

test('content that differs from what was announced is refused', async () => {
  await serve()
  server.corrupt(SECOND, Buffer.alloc(FILES[SECOND]!.length))
  expect(await failure(officialRows('glue/sst2', 'train'))).toMatch(
    /^UserError: URL\/datasets\/nyu-mll\/glue\/resolve\/c0ffee0+\/sst2\/train-00001-of-00002\.parquet: arrived damaged: its SHA-256 is not [0-9a-f]{64}\. Run the command again;/,
  )
})

test('a token is sent', async () => {
  await serve({ token: 'hf_secret' })
  vi.stubEnv('HF_TOKEN', 'hf_secret')
  await officialRows('glue/sst2', 'train')
  expect(new Set(server.requests.map(({ token }) => token))).toEqual(new Set(['hf_secret']))
})

test('a split that the hub has no files of', async () => {
  await serve()
  expect(await failure(officialRows('glue/sst2', 'validation'))).toBe(
    'UserError: URL/datasets/nyu-mll/glue/tree/main/sst2: there are no parquet files validation-….parquet, or not all of them. Set task.path to a folder that has the official files.',
  )
})

test('offline and not cached names task.path', async () => {
  await serve()
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  expect(await failure(officialRows('glue/sst2', 'train'))).toBe(
    'UserError: nyu-mll/glue: is not in the cache (HOME/hub/datasets--nyu-mll--glue), and HF_HUB_OFFLINE forbids to download it. Unset HF_HUB_OFFLINE, or set task.path to a folder.',
  )
})

test('no network names task.path', async () => {
  await serve()
  await server.stop()
  expect(await failure(officialRows('glue/sst2', 'train'))).toBe(
    'UserError: nyu-mll/glue: cannot be downloaded: URL is not reachable (ECONNREFUSED). Check the network, set HF_ENDPOINT to a mirror, or set task.path to a folder that has the files.',
  )
})

test.each([
  [
    404,
    undefined,
    'URL has no such data set, or shows it only with a token (404). Set HF_TOKEN, or set task.path to a folder.',
  ],
  [
    403,
    'hf_x',
    'URL gives no access to it (403). Ask for access at URL/datasets/nyu-mll/glue, and set HF_TOKEN to a token of that account.',
  ],
])('status %i is explained', async (status, token, expected) => {
  await serve({ status })
  vi.stubEnv('HF_TOKEN', token)
  expect(await failure(officialRows('glue/sst2', 'train'))).toBe(`UserError: nyu-mll/glue: ${expected}`)
})
