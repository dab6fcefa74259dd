import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { downloadModel } from '../../src/backbone/files/hub.js'
import { contentRequests, FILES, failure, home, ID, serve, server } from './served_model.js'

test.each([
  [
    401,
    undefined,
    'has no such model, or shows it only with a token (401). Check the name, or set HF_TOKEN. Presets: t5-nano, t5-base.',
  ],
  [
    404,
    'hf_x',
    'has no such model, or shows it only with a token (404). Check the name, or set HF_TOKEN. Presets: t5-nano, t5-base.',
  ],
  [401, 'hf_x', 'does not accept the token (401). Set HF_TOKEN to a valid one: URL/settings/tokens.'],
  [
    403,
    'hf_x',
    'gives no access to it (403). Ask for access at URL/someone/t5-tiny, and set HF_TOKEN to a token of that account.',
  ],
  [500, undefined, 'answers 500. Try again later.'],
])('status %i with token %s is explained', async (status, token, expected) => {
  await serve({ status })
  vi.stubEnv('HF_TOKEN', token)
  const message = await failure(downloadModel(ID, { presets: ['t5-nano', 't5-base'] }))
  expect(message.replaceAll(server.url, 'URL')).toBe(`UserError: ${ID}: URL ${expected}`)
})

test('something that is not a token is refused before anything is sent', async () => {
  await serve()
  vi.stubEnv('HF_TOKEN', 'secret')
  expect(await failure(downloadModel(ID))).toBe(
    'UserError: HF_TOKEN: is not an access token: they begin with hf_. Make one at https://huggingface.co/settings/tokens, or unset it.',
  )
  expect(server.requests).toEqual([])
})

test('offline and not cached', async () => {
  await serve()
  vi.stubEnv('HF_HUB_OFFLINE', 'true')
  expect(await failure(downloadModel(ID))).toBe(
    `UserError: ${ID}: is not in the cache (${home}/hub/models--someone--t5-tiny), and HF_HUB_OFFLINE forbids to download it. Unset HF_HUB_OFFLINE, or name a folder.`,
  )
  expect(server.requests).toEqual([])
})

test('no network', async () => {
  const { url } = await serve()
  await server.stop()
  expect(await failure(downloadModel(ID))).toBe(
    `UserError: ${ID}: cannot be downloaded: ${url} is not reachable (ECONNREFUSED). Check the network, set HF_ENDPOINT to a mirror, or name a folder that has the files.`,
  )
})

test.each([
  [
    'tokenizer.json',
    {},
    'has no tokenizer.json. Download it in Python and save it: AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER).',
  ],
  ['model.safetensors', {}, 'has no model.safetensors. Name a model whose weights are safetensors.'],
  [
    'model.safetensors',
    { 'pytorch_model.bin': Buffer.from('x') },
    'has pytorch_model.bin, but no model.safetensors. Download and convert it in Python: AutoModelForSeq2SeqLM (of an encoder AutoModel).from_pretrained(…).save_pretrained(FOLDER).',
  ],
])('a model without %s is refused before its weights are fetched', async (missing, more, expected) => {
  const files: Record<string, Buffer> = { ...FILES, ...more }
  delete files[missing]
  await serve({ files })
  expect(await failure(downloadModel(ID))).toBe(`UserError: ${server.url}/${ID}: ${expected}`)
  expect(contentRequests()).toEqual([])
})

test('a cache that cannot be made is named', async () => {
  await serve()
  writeFileSync(join(home, 'file'), '')
  vi.stubEnv('HF_HUB_CACHE', join(home, 'file', 'hub'))
  expect(await failure(downloadModel(ID))).toBe(
    `UserError: ${home}/file/hub/models--someone--t5-tiny/blobs: part of the path is a file, not a folder. Choose another folder.`,
  )
})
