import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRun } from '../export/made_run.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

// The Node that runs the suite prints its own warnings (deprecated or experimental functions) on stderr: a command
// causes none.
const { folder, file } = smallExperiment({ steps: 2, batch_size: 4, warmup_steps: 1, source_length: 32 })
const run = join(folder, 'made')
const path = (name: string) => join(folder, name)

beforeAll(async () => {
  const splits = ['train', 'validation', 'test'].map((split) => `task.${split}=${path(`${split}.jsonl`)}`)
  await makeRun(run, 'method.preset=bitfit', ...splits)
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each(['--help', 'list methods', 'config validate quickstart', 'params report quickstart'])(
  '%s writes nothing on stderr',
  async (command) => {
    expect(await compacter(command.split(' '))).toMatchObject({ code: 0, stderr: '' })
  },
)

describe.each(engines)('on %s', (engine) => {
  const on = ['--engine', engine, '--threads', '1']
  test('doctor and predict write nothing on stderr', async () => {
    expect(await compacter(['doctor'], { COMPACTER_ENGINE: engine })).toMatchObject({ code: 0, stderr: '' })
    const predicted = await compacter(['predict', run, 'a fine film', '--scoring', 'rank', ...on])
    expect(predicted).toMatchObject({ code: 0, stderr: '' })
  })

  test('what train, eval, export and report write on stderr is ours', async () => {
    const trained = path(`trained-${engine}`)
    const commands = [
      ['train', file, '--run-dir', trained, ...on],
      ['eval', trained, ...on],
      ['export', trained, '--format', 'safetensors', '--out', path(`export-${engine}`)],
      ['export', trained, '--format', 'saved-model', '--out', path(`saved-${engine}`)],
      ['report', trained, '--out', path(`${engine}.html`)],
    ]
    for (const command of commands) {
      const { code, stderr } = await compacter(command)
      expect(code, stderr).toBe(0)
      expect(stderr).not.toMatch(/\(node:\d+\)|\bDeprecat|\bExperimental/i)
    }
  })
})
