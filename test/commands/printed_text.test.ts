import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { makeRun } from '../export/made_run.js'
import { writeRun } from '../report/runs.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

// Sets the window's title and the colour, goes up a line; and the same start in one character (C1).
const HOSTILE = '\x1b]0;owned\x07\x1b[31m\x9b1A'
const SHOWN = '\\u001b]0;owned\\u0007\\u001b[31m\\u009b1A'

const { folder, file } = smallExperiment({ steps: 1, batch_size: 4 })
const path = (name: string) => join(folder, name)
const engine = ['--engine', engines[0]!, '--threads', '1']
afterAll(() => rmSync(folder, { recursive: true }))

/** All that a command prints, with the folder's name taken out. */
async function printed(args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const { stdout, stderr } = await compacter(args, env)
  return `${stdout}${stderr}`
}

describe('foreign text cannot control the terminal', () => {
  test.each([
    ['a file name', ['config', 'validate', path(`no${HOSTILE}.yaml`)]],
    ['a model id', ['train', file, '--set', `backbone=${JSON.stringify(HOSTILE)}`]],
    ['a key', ['train', file, '--set', `task.${HOSTILE}=1`]],
    ['a run', ['report', path(`no${HOSTILE}`)]],
    ['a flag', ['doctor', `--${HOSTILE}`]],
    ['an error as JSON', ['config', 'validate', path(`no${HOSTILE}.yaml`), '--json']],
  ])('%s', async (_, args) => {
    const text = await printed(args)
    expect(text).toContain(SHOWN)
    expect(text).not.toMatch(/(?![\n\t])\p{Cc}/u)
  })

  test('an experiment as YAML, which means the same', async () => {
    const prompt = `${HOSTILE}\r\nsentence: {text}\n# ${HOSTILE}`
    const shown = await compacter(['config', 'show', file, '--set', `task.prompt=${JSON.stringify(prompt)}`])
    expect(shown.code, shown.stderr).toBe(0)
    expect(shown.stdout).not.toMatch(/(?![\n\t])\p{Cc}/u)
    expect(parse(shown.stdout).task.prompt).toBe(prompt)
  })

  test('columns of a file', async () => {
    writeFileSync(path('columns.csv'), `"${HOSTILE}",label\na,1\n`)
    const { code, stderr } = await compacter(['train', file, '--set', `task.train=${path('columns.csv')}`])
    expect(code).toBe(2)
    expect(stderr).toContain(SHOWN)
    expect(stderr).not.toMatch(/(?![\n\t])\p{Cc}/u)
  })

  test('a run that is left out of a report', async () => {
    const [runs, left] = [path('runs'), path(`runs/left${HOSTILE}`)]
    mkdirSync(left, { recursive: true })
    writeFileSync(join(left, 'result.json'), '{}')
    writeRun(join(runs, 'whole'))
    const { code, stderr } = await compacter(['report', runs, '--out', path('report.html')])
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(`left${SHOWN}`)
    expect(stderr).not.toMatch(/(?![\n\t])\p{Cc}/u)
  })

  test("a scheduler's message", async () => {
    const bin = path('bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'sbatch'), `#!/bin/sh\nprintf 'sbatch: error: %s\\n' '${HOSTILE}' >&2\nexit 1\n`, {
      mode: 0o755,
    })
    writeFileSync(path('sweep.yaml'), 'experiment: small.yaml\naxes: { training.seed: [0, 1] }\n')
    const PATH = `${bin}${delimiter}${process.env.PATH}`
    const { code, stderr } = await compacter(
      ['sweep', 'run', path('sweep.yaml'), '--dir', path('s'), '--on', 'slurm'],
      { PATH },
    )
    expect(code).toBe(1)
    expect(stderr).toContain(SHOWN)
    expect(stderr).not.toMatch(/(?![\n\t])\p{Cc}/u)
  })

  test('labels and their names, on standard output; a file has them unchanged', async () => {
    const run = path('run')
    const splits = ['train', 'validation', 'test'].map((split) => `task.${split}=${path(`${split}.jsonl`)}`)
    const labels = `task.labels=${JSON.stringify({ 0: `no ${HOSTILE}`, 1: `yes ${HOSTILE}` })}`
    const names = `task.label_names=${JSON.stringify({ 0: `down ${HOSTILE}`, 1: `up ${HOSTILE}` })}`
    await makeRun(run, 'method.preset=bitfit', labels, names, ...splits)
    const args = ['predict', run, 'a fine film', '--scoring', 'rank', ...engine]
    const text = await printed(args)
    expect(text).toMatch(/^(no \S.*\tdown|yes \S.*\tup) /)
    expect(text.split(SHOWN)).toHaveLength(3)
    expect(text).not.toMatch(/(?![\n\t])\p{Cc}/u)
    const json = await compacter([...args, '--json'])
    expect(json.stdout).not.toMatch(/(?![\n\t])\p{Cc}/u)
    expect(Object.keys(JSON.parse(json.stdout).scores)).toEqual([`no ${HOSTILE}`, `yes ${HOSTILE}`])
    expect((await compacter([...args, '--output', path('p.jsonl')])).code).toBe(0)
    expect(readFileSync(path('p.jsonl'), 'utf8')).toContain('\x9b')
    const evaluated = await printed(['eval', run, '--scoring', 'rank', ...engine])
    expect(evaluated).toContain('up \\u001b')
    expect(evaluated).not.toMatch(/(?![\n\t])\p{Cc}/u)
  })
})
