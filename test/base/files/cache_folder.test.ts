import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cacheFolder } from '../../../src/base/files/cache_folder.js'
import { hubCache, hubHome } from '../../../src/base/files/hub_folder.js'
import { pathVariable } from '../../../src/base/files/path_variable.js'
import { python } from '../../export/in_pytorch.js'

const NAMES = ['HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME', 'COMPACTER_CACHE']

beforeEach(() => {
  vi.stubEnv('HOME', '/home/ann')
  vi.stubEnv('SCRATCH', '/scratch')
  for (const name of NAMES) vi.stubEnv(name, undefined)
})
afterEach(() => vi.unstubAllEnvs())

describe.each<[Record<string, string>, string, string]>([
  [{}, '/home/ann/.cache/huggingface', '/home/ann/.cache/huggingface/hub'],
  [{ HF_HOME: '~/hf' }, '/home/ann/hf', '/home/ann/hf/hub'],
  [{ HF_HOME: '$HOME/hf' }, '/home/ann/hf', '/home/ann/hf/hub'],
  [{ HF_HOME: `\${SCRATCH}/$USERLESS/hf` }, '/scratch/$USERLESS/hf', '/scratch/$USERLESS/hf/hub'],
  [{ XDG_CACHE_HOME: '~/c' }, '/home/ann/c/huggingface', '/home/ann/c/huggingface/hub'],
  [{ HF_HUB_CACHE: '~/models', HF_HOME: '/hf' }, '/hf', '/home/ann/models'],
  [{ HUGGINGFACE_HUB_CACHE: '~/old' }, '/home/ann/.cache/huggingface', '/home/ann/old'],
  [{ HF_HOME: '/a~/~b' }, '/a~/~b', '/a~/~b/hub'],
])('with %j', (env, home, cache) => {
  beforeEach(() => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  })

  test('the hub keeps its files where they are expected', () => {
    expect([hubHome(), hubCache()]).toEqual([home, cache])
  })

  test.skipIf(!python)('so does the Python library', () => {
    const program = 'from huggingface_hub import constants as c; print(c.HF_HOME); print(c.HF_HUB_CACHE)'
    expect(execFileSync(python!, ['-c', program], { encoding: 'utf8' }).trim().split('\n')).toEqual([home, cache])
  })
})

test('our own folder is found in the same way', () => {
  vi.stubEnv('COMPACTER_CACHE', '~/ours')
  expect(cacheFolder()).toBe('/home/ann/ours')
  vi.stubEnv('COMPACTER_CACHE', '')
  vi.stubEnv('XDG_CACHE_HOME', '$SCRATCH/c')
  if (process.platform === 'linux') expect(cacheFolder()).toBe('/scratch/c/compacter')
})

test('~ alone, and variables of a given environment', () => {
  expect(pathVariable('A', { A: '~' })).toBe('/home/ann')
  expect(pathVariable('A', { A: `$B/\${B}$C`, B: 'b' })).toBe('b/b$C')
  expect(pathVariable('A', { A: '' })).toBeUndefined()
})
