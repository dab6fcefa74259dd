import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import { HubServer, type HubServerOptions } from '../support/hub-server.js'

export const WEIGHTS = Buffer.from(Uint32Array.from({ length: 250_000 }, (_, i) => Math.imul(i, 2654435761)).buffer) // 1 MB
export const FILES = {
  'config.json': Buffer.from('{"model_type": "t5"}'),
  'tokenizer.json': Buffer.from('{"version": "1.0"}'),
  'README.md': Buffer.from('Not needed.'),
  'model.safetensors': WEIGHTS,
}
export const ID = 'someone/t5-tiny'
export const QUICK = { retryDelay: 1 }

export let home: string
export let server: HubServer

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hub-'))
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

export async function serve(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  server = await new HubServer({ files: FILES, ...options }).start()
  vi.stubEnv('HF_ENDPOINT', `${server.url}/`)
  return server
}

export const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'did not fail',
    (error) => `${error.name}: ${error.message}`,
  )

export const contentRequests = () => server.requests.filter(({ path }) => path.startsWith('/cdn/'))
