import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { type DownloadProgress, downloadModel } from '../../src/backbone/files/hub.js'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { patiently, withLock } from '../../src/base/lock/lock.js'
import { contentRequests, FILES, failure, home, ID, QUICK, serve, server, WEIGHTS } from './served_model.js'

test('downloads into the layout of the Python libraries: blobs by hash, a snapshot of relative links, a ref', async () => {
  await serve()
  const folder = await downloadModel(ID)
  expect(folder).toBe(join(home, 'hub', 'models--someone--t5-tiny', 'snapshots', server.commit))
  expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json'])
  expect(readFileSync(join(folder, 'model.safetensors')).equals(WEIGHTS)).toBe(true)
  expect(lstatSync(join(folder, 'config.json')).isSymbolicLink()).toBe(true)
  expect(readFileSync(join(folder, '../../refs/main'), 'utf8')).toBe(server.commit)
  expect(readdirSync(join(folder, '../../blobs')).map((name) => name.length)).toEqual(expect.arrayContaining([40, 64]))
})

test.each([
  ['deberta-v2', ['spm.model', 'tokenizer_config.json']],
  ['roberta', ['added_tokens.json', 'merges.txt', 'vocab.json']],
])('a model of the type %s with a vocabulary alone comes with all that its tokenizer is made of', async (type, own) => {
  const { 'tokenizer.json': _, ...rest } = FILES
  const files = { ...rest, 'config.json': Buffer.from(JSON.stringify({ model_type: type })) }
  const vocabulary = Object.fromEntries(own.map((name) => [name, Buffer.from(`{"${name}": 1}`)]))
  await serve({ files: { ...files, ...vocabulary } })
  const folder = await downloadModel(ID)
  expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors', ...own].sort())
  const before = server.requests.length
  expect(await downloadModel(ID)).toBe(folder)
  expect(server.requests.length).toBe(before)
})

test('a vocabulary of which no tokenizer is made for that model is refused before weights are fetched', async () => {
  const { 'tokenizer.json': _, ...rest } = FILES
  await serve({ files: { ...rest, 'vocab.txt': Buffer.from('a') } })
  expect(await failure(downloadModel(ID))).toMatch(/has no tokenizer\.json\. Download it in Python and save it/)
  expect(server.requests.filter(({ path }) => path.endsWith('model.safetensors'))).toEqual([])
})

test('reports bytes over all files, growing to the total', async () => {
  await serve()
  const seen: DownloadProgress[] = []
  await downloadModel(ID, { onProgress: (progress) => seen.push(progress) })
  const total = WEIGHTS.length + FILES['config.json'].length + FILES['tokenizer.json'].length
  expect(new Set(seen.map(({ totalBytes }) => totalBytes))).toEqual(new Set([total]))
  expect(seen.map(({ bytes }) => bytes)).toEqual(seen.map(({ bytes }) => bytes).sort((a, b) => a - b))
  expect(seen.at(-1)).toEqual({ file: 'model.safetensors', bytes: total, totalBytes: total })
})

test('the second call makes no request, online and offline', async () => {
  await serve()
  const folder = await downloadModel(ID)
  const before = server.requests.length
  expect(await downloadModel(ID)).toBe(folder)
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  expect(await downloadModel(ID)).toBe(folder)
  expect(server.requests.length).toBe(before)
})

test('a connection cut three times is taken up where it broke, and each byte is sent once', async () => {
  await serve()
  server.cuts.set('model.safetensors', { after: 300_000, times: 3 })
  const folder = await downloadModel(ID, QUICK)
  expect(readFileSync(join(folder, 'model.safetensors')).equals(WEIGHTS)).toBe(true)
  expect(contentRequests().map(({ range }) => range)).toEqual([
    undefined,
    'bytes=300000-',
    'bytes=600000-',
    'bytes=900000-',
  ])
  expect(contentRequests().reduce((sum, { sent }) => sum + sent, 0)).toBe(WEIGHTS.length)
})

test('a download given up is continued by the next call', async () => {
  await serve()
  server.cuts.set('model.safetensors', { after: 400_000, times: 1 })
  const message = await failure(downloadModel(ID, { ...QUICK, retries: 1, onProgress: breakAfter(400_000) }))
  expect(message).toMatch(
    /^UserError: http:\/\/127\.0\.0\.1:\d+\/someone\/t5-tiny\/resolve\/c0ffee0+\/model\.safetensors: the server answers 503; 400000 of 1000000 bytes are here\. Run the command again to continue from there\.$/,
  )
  server.status = undefined
  await downloadModel(ID, QUICK)
  expect(contentRequests().map(({ range, sent }) => [range, sent])).toEqual([
    [undefined, 400_000],
    ['bytes=400000-', 600_000],
  ])
})

/** Turns the server to 503 once so many bytes of the weights have arrived. */
function breakAfter(bytes: number) {
  return (progress: DownloadProgress) => {
    if (progress.file === 'model.safetensors' && progress.bytes >= bytes) server.status = 503
  }
}

test('a server that ignores ranges gets the file from the start, and it is right', async () => {
  await serve()
  server.ignoreRange = true
  server.cuts.set('model.safetensors', { after: 300_000, times: 1 })
  const folder = await downloadModel(ID, QUICK)
  expect(readFileSync(join(folder, 'model.safetensors')).equals(WEIGHTS)).toBe(true)
})

test('content that differs from the announced hash is refused and removed: large files by SHA-256', async () => {
  await serve()
  const other = Buffer.from(WEIGHTS)
  other[500_000]! ^= 1
  server.corrupt('model.safetensors', other)
  expect(await failure(downloadModel(ID))).toMatch(
    /model\.safetensors: arrived damaged: its SHA-256 is not [0-9a-f]{64}\. Run/,
  )
  const storage = join(home, 'hub', 'models--someone--t5-tiny')
  expect(readdirSync(join(storage, 'blobs')).filter((name) => name.length !== 40)).toEqual([])
  expect(existsSync(join(storage, 'refs'))).toBe(false)
})

test('content that differs from the announced hash is refused: small files by git hash', async () => {
  await serve()
  server.corrupt('config.json', Buffer.from('{"model_type": "T5"}'))
  expect(await failure(downloadModel(ID))).toMatch(/config\.json: arrived damaged: its git hash is not [0-9a-f]{40}\./)
})

test('more content than announced is refused', async () => {
  await serve()
  server.corrupt('model.safetensors', Buffer.concat([WEIGHTS, WEIGHTS]))
  expect(await failure(downloadModel(ID))).toMatch(
    /model\.safetensors: sends more than the 1000000 bytes that it announced\.$/,
  )
})

test('two downloads at once fetch each file once', async () => {
  await serve()
  const [first, second] = await Promise.all([downloadModel(ID), downloadModel(ID)])
  expect(first).toBe(second)
  expect(contentRequests().map(({ sent }) => sent)).toEqual([WEIGHTS.length])
  expect(readdirSync(join(first, '../../blobs')).filter((name) => /lock|incomplete/.test(name))).toEqual([])
})

test('another process that fetches the same file is reported at once, and waited for', async () => {
  await serve()
  const hash = createHash('sha256').update(WEIGHTS).digest('hex')
  const lock = join(home, 'hub', 'models--someone--t5-tiny', 'blobs', `${hash}.lock`)
  const told: string[] = []
  let free = () => {}
  const held = withLock(lock, () => new Promise<void>((done) => (free = done)), patiently(expect.fail))
  const download = downloadModel(ID, { onNote: (line) => told.push(line) })
  await vi.waitUntil(() => told.length > 1)
  expect(told.slice(1)).toEqual([`Waiting: process ${process.pid} on ${hostname()} holds ${lock}.`])
  expect(contentRequests()).toEqual([])
  free()
  await Promise.all([held, download])
  expect(existsSync(lock)).toBe(false)
})

test('shards are found by the index, and no other weights are fetched', async () => {
  const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } }
  const { 'model.safetensors': _, ...rest } = FILES
  await serve({
    files: {
      ...rest,
      'model.safetensors.index.json': Buffer.from(JSON.stringify(index)),
      'model-00001-of-00002.safetensors': WEIGHTS.subarray(0, 600_000),
      'model-00002-of-00002.safetensors': WEIGHTS.subarray(600_000),
      'pytorch_model.bin': Buffer.from('no'),
    },
  })
  expect(readdirSync(await downloadModel(ID)).sort()).toEqual([
    'config.json',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
    'tokenizer.json',
  ])
})

test('a cached index that is cut is named with its place, and what is to be done works', async () => {
  const { 'model.safetensors': _, ...rest } = FILES
  const index = { weight_map: { a: 'model-00001-of-00001.safetensors' } }
  const files = {
    'model.safetensors.index.json': Buffer.from(JSON.stringify(index)),
    'model-00001-of-00001.safetensors': WEIGHTS,
  }
  await serve({ files: { ...rest, ...files } })
  const folder = await downloadModel(ID)
  const blob = realpathSync(join(folder, 'model.safetensors.index.json'))
  writeFileSync(blob, '{"weight_map": {"a": "mod')
  expect(await failure(downloadModel(ID))).toBe(
    `DamagedFile: ${blob}:1:26: is damaged: it is cut short. Delete it: it is then downloaded again.`,
  )
  writeFileSync(blob, '{}')
  expect(await failure(downloadModel(ID))).toBe(`UserError: ${blob}: has no weight_map from tensor to file.`)
  rmSync(blob)
  expect(await downloadModel(ID)).toBe(folder)
  expect(JSON.parse(readFileSync(blob, 'utf8'))).toEqual(index)
})

test('sends HF_TOKEN with every request, or the token that a login left', async () => {
  await serve({ token: 'hf_secret' })
  vi.stubEnv('HF_TOKEN', 'hf_secret')
  await downloadModel(ID)
  expect(new Set(server.requests.map(({ token }) => token))).toEqual(new Set(['hf_secret']))
  vi.stubEnv('HF_TOKEN', undefined)
  rmSync(join(home, 'hub'), { recursive: true })
  writeFileSync(join(home, 'token'), 'hf_secret\n')
  await downloadModel(ID)
})

test('a backbone is a preset, else a folder, else a hub id', async () => {
  await serve()
  expect(await locateBackbone('t5-nano')).toMatch(/configs\/backbones\/t5-nano$/)
  mkdirSync(join(home, 'mine'))
  expect(await locateBackbone(join(home, 'mine'))).toBe(join(home, 'mine'))
  expect(await locateBackbone(ID)).toMatch(/snapshots\/c0ffee0+$/)
  expect(await failure(locateBackbone('./no/such/folder'))).toMatch(
    /^UserError: \.\/no\/such\/folder: is not a preset, a folder or a Hugging Face model id\. Presets: .*t5-nano/,
  )
})
