import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRun } from '../export/made_run.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'
import { HubServer } from '../support/hub-server.js'

const TOKEN = 'hf_abcdefgh'
const SECRETS = /hf_abcdefgh|correcthorse/

const { folder, file } = smallExperiment({ steps: 1, batch_size: 4 })
const path = (name: string) => join(folder, name)
const engine = ['--engine', engines[0]!, '--threads', '1']
const HF_HOME = path('hub')
const nobody = { HF_HOME, HF_ENDPOINT: 'http://127.0.0.1:1' }
mkdirSync(HF_HOME)

let server: HubServer
beforeAll(async () => {
  await makeRun(path('run'))
  const yaml = readFileSync(path('run/experiment.yaml'), 'utf8')
  mkdirSync(path('foreign'))
  for (const name of readdirSync(path('run')))
    writeFileSync(join(path('foreign'), name), readFileSync(join(path('run'), name)))
  writeFileSync(path('foreign/experiment.yaml'), yaml.replace(/name: t5-nano/, 'name: someone/t5-tiny'))
  server = await new HubServer({ files: {}, token: 'hf_another' }).start()
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

/** All the text that is in the files of a folder. */
const textIn = (where: string): string =>
  readdirSync(where, { recursive: true, encoding: 'utf8' })
    .map((name) => join(where, name))
    .filter((name) => statSync(name).isFile())
    .map((name) => readFileSync(name, 'latin1'))
    .join('\n')

describe('no secret is printed', () => {
  test.each([
    ['a password of HF_ENDPOINT', { HF_ENDPOINT: 'http://me:correcthorse@127.0.0.1:1' }, []],
    ['a token of odd characters', { HF_TOKEN: `${TOKEN}\u00e9 correcthorse` }, []],
    ['a token of two lines', { HF_TOKEN: `${TOKEN}\ncorrecthorse` }, []],
    ['a password of an address as a model', {}, ['--set', 'backbone=https://me:correcthorse@host/model']],
    ['a token as a key', { HF_TOKEN: TOKEN }, ['--set', `task.${TOKEN}=1`]],
  ])('%s', async (_, env, args) => {
    for (const json of [[], ['--json']]) {
      const sets = ['--set', 'backbone=someone/t5-tiny', ...args, '--run-dir', path('none')]
      const { code, stdout, stderr } = await compacter(['train', file, ...sets, ...json], { ...nobody, ...env })
      expect(code).not.toBe(0)
      expect(`${stdout}${stderr}`).not.toMatch(SECRETS)
      expect(`${stdout}${stderr}`).not.toContain('Unexpected error')
    }
  })

  test('nor written down as the reason why a cell of a sweep failed', async () => {
    writeFileSync(path('sweep.yaml'), JSON.stringify({ experiment: 'small.yaml', axes: { 'training.seed': [0, 1] } }))
    const experiment = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...experiment, backbone: 'someone/correcthorse' }))
    const env = { ...nobody, HF_ENDPOINT: server.url, ANY_MIRROR: 'http://me:correcthorse@host' }
    const { stdout, stderr } = await compacter(['sweep', 'run', path('sweep.yaml'), '--dir', path('s'), ...engine], env)
    writeFileSync(file, JSON.stringify(experiment))
    const failure = textIn(path('s')).match(/"reason": "(.*)"/)?.[1]
    expect(failure, stderr).toMatch(/^someone\/\*\*\*: /)
    const kept = ['cells.json', 'sweep.yaml'] // what the user wrote
    for (const name of readdirSync(path('s'), { recursive: true, encoding: 'utf8' }))
      if (statSync(join(path('s'), name)).isFile() && !kept.includes(name))
        expect(readFileSync(join(path('s'), name), 'latin1'), name).not.toMatch(SECRETS)
    expect(`${stdout}${stderr}`).not.toMatch(SECRETS)
  })
})

test('continuing a foreign run says what it fetches, and with which token, before anything else', async () => {
  const env = { HF_HOME, HF_ENDPOINT: server.url, HF_TOKEN: TOKEN }
  const { code, stderr } = await compacter(['predict', path('foreign'), 'good', ...engine], env)
  expect(code).toBe(1)
  const [first] = stderr.split('\n')
  expect(first).toBe(`Fetching the model someone/t5-tiny from ${server.url}, with the token in HF_TOKEN.`)
  expect(server.requests.at(-1)!.token).toBe(TOKEN)
})
