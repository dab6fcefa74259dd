import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '@oclif/core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import Push from '../../commands/push.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { exportRun } from '../../src/format/export.js'
import { pushRun } from '../../src/format/push.js'
import { makeRun } from '../export/made_run.js'
import { HubServer, type HubServerOptions } from '../support/hub-server.js'

const TOKEN = 'hf_abcdefgh'
const ID = 'someone/films'
const folder = mkdtempSync(join(tmpdir(), 'push-'))
const run = join(folder, 'run')
let server: HubServer | undefined

beforeAll(async () => {
  await makeRun(run)
})
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => {
  vi.stubEnv('HF_HOME', folder)
  vi.stubEnv('HF_TOKEN', TOKEN)
  vi.stubEnv('HF_TOKEN_PATH', undefined)
  vi.stubEnv('HF_HUB_OFFLINE', undefined)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await server?.stop()
  server = undefined
})

async function hub(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  server = await new HubServer({ files: {}, id: ID, token: TOKEN, lfsFrom: 20_000, ...options }).start()
  vi.stubEnv('HF_ENDPOINT', server.url)
  return server
}

/** What the command prints on both streams. */
async function push(...argv: string[]): Promise<{ stdout: string; stderr: string }> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
  const command = Push as { run(argv: string[], root: string): Promise<unknown> } & typeof Command
  await command.run([run, ID, '--quiet', ...argv], packageRoot)
  const text = (spy: typeof log) => spy.mock.calls.map(([line]) => `${line}\n`).join('')
  return { stdout: text(log), stderr: text(errors) }
}

test('makes the repository and commits the export, file by file, to the byte', async () => {
  const { uploads, url } = await hub()
  const { stdout } = await push()
  const out = join(folder, 'out')
  await exportRun(run, { format: 'safetensors', out, force: true, progress: silent })
  expect(uploads.repository).toEqual({ private: false })
  expect(uploads.commits).toHaveLength(1)
  const { branch, summary, files } = uploads.commits[0]!
  expect([branch, summary]).toEqual(['main', 'Upload quickstart by compacter'])
  expect(Object.keys(files).sort()).toEqual(['README.md', 'compacter.json', 'trained.safetensors'])
  for (const [name, content] of Object.entries(files)) expect(content.equals(readFileSync(join(out, name)))).toBe(true)
  expect(uploads.stored, 'the trained tensors, stored as a large file without the token').toEqual([undefined])
  expect(stdout).toContain(`${url}/${ID}: 3 files, `)
  expect(stdout).toContain(', commit abc1234; the repository was made\n')
  expect(stdout).not.toContain(TOKEN)
})

test('--json has address, commit and files; --revision, --message and --private are kept', async () => {
  const { uploads, url } = await hub({ uploads: { exists: { private: true } } })
  const { stdout } = await push(
    '--private',
    '--revision',
    'v2',
    '--message',
    'Second try',
    '--format',
    'opendelta',
    '--json',
  )
  expect(JSON.parse(stdout)).toMatchObject({
    repository: ID,
    revision: 'v2',
    format: 'opendelta',
    url: `${url}/${ID}`,
    commit: 'abc1234'.padEnd(40, '0'),
    created: false,
  })
  expect(uploads.branches).toEqual(['main', 'v2'])
  expect(uploads.commits).toMatchObject([{ branch: 'v2', summary: 'Second try' }])
  expect(Object.keys(uploads.commits[0]!.files)).toContain('pytorch_model.bin')
})

test('a branch that is there is committed to, and what is stored already is not sent again', async () => {
  const { uploads } = await hub({ uploads: { exists: { private: false } } })
  uploads.branches.push('v2')
  await push('--revision', 'v2')
  await push('--revision', 'v2')
  expect(uploads.commits).toHaveLength(2)
  expect(uploads.stored).toHaveLength(1)
})

test('--private makes a private repository, and refuses one that is public', async () => {
  const made = await hub()
  await push('--private')
  expect(made.uploads.repository).toEqual({ private: true })
  await made.stop()
  const { uploads, url } = await hub({ uploads: { exists: { private: false } } })
  await expect(push('--private')).rejects.toThrow(
    `${ID}: exists and is public; --private makes only a new repository private. Change it at ${url}/${ID}/settings,`,
  )
  expect(uploads.commits).toEqual([])
})

test('--dry-run lists the files and asks nobody, also without a token', async () => {
  const { requests } = await hub()
  vi.stubEnv('HF_TOKEN', '')
  const { stdout } = await push('--dry-run')
  expect(stdout).toMatch(/│ trained\.safetensors │ +[\d.]+ KiB │/)
  expect(stdout).toMatch(new RegExp(`^3 files, [\\d.]+ KiB would be sent to ${ID}\\.$`, 'm'))
  expect(requests).toEqual([])
})

test.each<[string, Partial<HubServerOptions>, string]>([
  ['a token that is not accepted', { token: 'hf_other' }, 'does not accept the token in HF_TOKEN (401). Make one with'],
  [
    'no right to make one',
    { uploads: { rights: 'read' } },
    'the token in HF_TOKEN has no right to write there (403: You need write rights). Take one with',
  ],
  [
    'no right to commit',
    { uploads: { rights: 'read', exists: { private: false } } },
    'the token in HF_TOKEN has no right to write there (403: You need write rights). Take one with',
  ],
  [
    'a repository of another type',
    { uploads: { taken: true } },
    'the name is taken by a repository that is not a model, or was made meanwhile (409: You already created this repo).',
  ],
  ['a hub that is down', { status: 503 }, 'answers 503: refused: 503. Try again later.'],
])('%s is refused with what to do', async (_, options, message) => {
  const { uploads } = await hub(options)
  const failed = push()
  await expect(failed).rejects.toThrow(message)
  await expect(failed).rejects.not.toThrow(TOKEN)
  expect(uploads.commits).toEqual([])
})

test('paths of the own files, which the export names, are warned of', async () => {
  const own = join(folder, 'reviews.jsonl')
  writeFileSync(own, '{"text": "x", "label": "0"}\n')
  const warnings: string[] = []
  const progress = { ...silent, warn: (line: string) => void warnings.push(line) }
  const told = {
    format: 'safetensors' as const,
    repository: ID,
    private: false,
    revision: 'main',
    dryRun: true,
    progress,
  }
  await pushRun(run, told)
  expect(warnings).toEqual([])
  await pushRun(await makeRun(join(folder, 'own'), `task.test=${own}`), told)
  const shows = 'The export names paths of this machine, which the repository then shows:'
  expect(warnings).toEqual([`${shows} ${own}.`])
  await pushRun(await makeRun(join(folder, 'lora'), 'method=lora'), { ...told, format: 'peft' })
  expect(warnings[1]).toBe(`${shows} ${join(packageRoot, 'configs/backbones/t5-nano')}.`)
})

test('without a token nothing is asked', async () => {
  const { requests } = await hub()
  vi.stubEnv('HF_TOKEN', '')
  await expect(push()).rejects.toThrow('with. Put one with the right to write into HF_TOKEN, or run `hf auth login`.')
  expect(requests).toEqual([])
})

test('HF_HUB_OFFLINE forbids it', async () => {
  const { requests } = await hub()
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  await expect(push()).rejects.toThrow(`${ID}: HF_HUB_OFFLINE forbids to send anything. Unset it.`)
  expect(requests).toEqual([])
})

test('what is sent where, and with which token, is said before the first request', async () => {
  const { requests, url } = await hub()
  const told: [string, number][] = []
  const progress = { ...silent, note: (line: string) => void told.push([line, requests.length]) }
  await pushRun(run, {
    format: 'safetensors',
    repository: ID,
    private: false,
    revision: 'main',
    dryRun: false,
    progress,
  })
  const line = `Sending SIZE to the model ${ID} at ${url}, with the token in HF_TOKEN.`
  expect(told.map(([text, asked]) => [text.replace(/[\d.]+ KiB/, 'SIZE'), asked])).toEqual([[line, 0]])
})

test('the token of the file is named by the file', async () => {
  await hub({ token: 'hf_other' })
  vi.stubEnv('HF_TOKEN', undefined)
  writeFileSync(join(folder, 'token'), TOKEN)
  await expect(push()).rejects.toThrow(`does not accept the token in ${join(folder, 'token')} (401).`)
})

test('a hub that cannot be reached is named', async () => {
  const { url } = await hub()
  await server!.stop()
  server = undefined
  await expect(push()).rejects.toThrow(
    `${ID}: cannot be uploaded: ${url} is not reachable (ECONNREFUSED). Check the network and HF_ENDPOINT`,
  )
})

test.each([
  ['films', 'films: is not the name of a model on the hub. Write owner/name'],
  ['datasets/someone/films', 'datasets/someone/films: is in datasets/: what is pushed is a model.'],
  ['https://huggingface.co/someone/films', 'is not the name of a model on the hub. Write someone/films.'],
])('the name %s is refused', async (name, message) => {
  const command = Push as { run(argv: string[], root: string): Promise<unknown> } & typeof Command
  await expect(command.run([run, name], packageRoot)).rejects.toThrow(message)
})
