import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { HubServer } from '../support/hub-server.js'

const bundled = join(packageRoot, 'configs/backbones/t5-nano')

describe('a backbone by its hub id', () => {
  const { folder, file } = smallExperiment({ steps: 2, batch_size: 2, source_length: 16 })
  const HF_HOME = mkdtempSync(join(tmpdir(), 'hf-'))
  const args = (run: string) => ['train', file, '--set', 'backbone=someone/t5-nano', '--run-dir', join(folder, run)]
  let server: HubServer

  beforeAll(async () => {
    const files = Object.fromEntries(readdirSync(bundled).map((name) => [name, readFileSync(join(bundled, name))]))
    server = await new HubServer({ files, id: 'someone/t5-nano', token: 'hf_secret' }).start()
  })
  afterAll(() => server.stop())

  test('is refused without the token that the hub asks for, before anything is written', async () => {
    const { code, stderr } = await compacter(args('refused'), { HF_HOME, HF_ENDPOINT: server.url, HF_TOKEN: '' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/someone\/t5-nano.*HF_TOKEN/)
    expect(readdirSync(folder)).not.toContain('refused')
  })

  test('is downloaded once and trains', async () => {
    const env = { HF_HOME, HF_ENDPOINT: server.url, HF_TOKEN: 'hf_secret' }
    const first = await compacter([...args('first'), '--json'], env)
    expect(first.code, first.stdout).toBe(0)
    expect(JSON.parse(first.stdout)).toMatchObject({ trained_parameters: 18368, backbone_parameters: 9426688 })
    const asked = server.requests.length
    const second = await compacter(args('second'), { ...env, HF_HUB_OFFLINE: '1' })
    expect(second.code, second.stderr).toBe(0)
    expect(server.requests.length).toBe(asked)
  })
})
