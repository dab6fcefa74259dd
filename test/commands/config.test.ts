import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '@oclif/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import Show from '../../commands/config/show.js'
import Validate from '../../commands/config/validate.js'
import List from '../../commands/list.js'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'

type Runnable = { run(argv: string[], root: string): Promise<unknown> } & typeof Command

/** What the command prints on stdout. */
async function printed(command: Runnable, ...argv: string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await command.run(argv, packageRoot)
  return log.mock.calls.map(([line]) => `${line}\n`).join('')
}

const folder = mkdtempSync(join(tmpdir(), 'config-'))

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

describe('config validate', () => {
  test('says what a valid experiment is', async () => {
    expect(await printed(Validate as Runnable, 'quickstart', '--set', 'method.n=8')).toBe(
      'quickstart is valid: quickstart trains compacter, n = 8 on t5-nano for rotten-tomatoes.\n',
    )
  })

  test('reports every problem, leaves with 2 and writes nothing', async () => {
    const argv = ['quickstart', '--set', 'method.n=5', '--set', 'training.epochs=1']
    await expect(Validate.run(argv, packageRoot)).rejects.toMatchObject({
      message: [
        '--set method.n=5: method.n is 5; it must divide d_model (256) and the bottleneck (8). Nearest that do: 4 or 8; all: 1, 2, 4, 8.',
        'experiments/quickstart.yaml:9:3: training has both epochs and steps. Keep one of the two; --set training.epochs=null takes the other out.',
      ].join('\n'),
    })
    expect(process.exitCode).toBe(2)
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([
    [['method=[lora, lora]'], 'encoder.0.attention.q.lora_a'],
    [['method=[vera, vera]', 'method.methods.0.targets=[q]', 'method.methods.1.targets=[v]'], 'projection_a'],
  ])('refuses two methods with tensors of one name, trained or not: %j', async (sets, name) => {
    const argv = ['quickstart', ...sets.flatMap((set) => ['--set', set])]
    await expect(Validate.run(argv, packageRoot)).rejects.toThrow(`both have a tensor ${name}.`)
  })
})

describe('config validate looks at the data', () => {
  const validate = (...argv: string[]) => Validate.run(['quickstart', ...argv], packageRoot)
  const reviews = join(packageRoot, 'configs/tasks/rotten-tomatoes')

  test('a column that the file lacks is reported where the experiment names it', async () => {
    await expect(validate('--set', 'task.label=lable')).rejects.toMatchObject({
      message: `--set task.label=lable: task.label names the column 'lable', which is not in ${reviews}/train.jsonl. Did you mean 'label'? Columns: text, label.`,
    })
    expect(process.exitCode).toBe(2)
  })

  test('a folder with the files of something else', async () => {
    const rte = ['--set', 'task.preset=glue/rte', '--set', `task.path=${reviews}`]
    await expect(validate(...rte)).rejects.toMatchObject({
      message: `--set task.path=${reviews}: there is no column 'sentence1' in ${reviews}/train.jsonl. task.path must be a folder with the official files of glue/rte. Columns: text, label.`,
    })
    await expect(validate('--set', 'task.preset=glue/rte', '--set', `task.path=${folder}`)).rejects.toMatchObject({
      message: `--set task.path=${folder}: there is no train.tsv, train.jsonl or train-….parquet in ${folder}. task.path must hold the official files of glue/rte, or the hub's.`,
    })
    expect(process.exitCode).toBe(2)
  })

  test('what is not in the cache yet is listed', async () => {
    vi.stubEnv('HF_HOME', folder)
    expect(
      await printed(Validate as Runnable, 'quickstart', '--set', 'backbone=t5-base', '--set', 'task=glue/rte'),
    ).toBe(
      'quickstart is valid: quickstart trains compacter on t5-base for glue/rte.\nNot in the cache yet; a training run downloads: t5-base, glue/rte.\n',
    )
    vi.unstubAllEnvs()
  })
})

describe('config show', () => {
  test('prints an experiment file that means the same', async () => {
    const file = join(folder, 'shown.yaml')
    writeFileSync(file, await printed(Show as Runnable, 'quickstart', '--set', 'method=compacter++'))
    expect(loadExperiment(file)).toEqual(loadExperiment('quickstart', ['method=compacter++']))
  })

  test('--json prints it as one object', async () => {
    const shown = JSON.parse(await printed(Show as Runnable, 'quickstart', '--json'))
    expect(shown).toEqual(loadExperiment('quickstart'))
  })
})

describe('list', () => {
  test('tasks as a table', async () => {
    const [, head, ...rows] = (await printed(List as Runnable, 'tasks')).split('\n')
    const cells = (line: string | undefined) => line?.split('│').map((cell) => cell.trim())
    expect(cells(head)).toEqual(['', 'name', 'metrics', 'description', ''])
    expect(rows.map(cells)).toContainEqual([
      '',
      'rotten-tomatoes',
      'accuracy',
      'Rotten Tomatoes: is a sentence of a film review positive (1) or negative (0)? 8530 / 1066 / 1066 rows, bundled.',
      '',
    ])
  })

  test('backbones --json as an array', async () => {
    expect(JSON.parse(await printed(List as Runnable, 'backbones', '--json'))).toContainEqual({
      name: 't5-base',
      parameters: 222_903_552,
      source: 'google-t5/t5-base',
      description: 'T5 v1.0 base: ReLU, tied head, pretrained with supervised tasks in the mixture.',
    })
  })

  test('methods with their small learning rates', async () => {
    expect(await printed(List as Runnable, 'methods')).toMatch(/│ bitfit +│ bitfit +│ +0\.0003 │ BitFit: /)
  })

  test.each([
    ['methods', 'compacter++'],
    ['experiments', 'quickstart'],
  ])('%s has %s', async (kind, name) => {
    expect(JSON.parse(await printed(List as Runnable, kind, '--json'))).toContainEqual(
      expect.objectContaining({ name }),
    )
  })
})

test('checking an experiment loads no TensorFlow', () => {
  const script = `
    import { createRequire } from 'node:module'
    import { loadExperiment } from './src/experiment/load/load.ts'
    const loaded = () => Object.keys(createRequire(process.cwd() + '/').cache).some((path) => path.includes('@tensorflow'))
    loadExperiment('quickstart')
    const before = loaded()
    await import('@tensorflow/tfjs-core')
    console.log(before, loaded())
  `
  const argv = ['--import', 'tsx', '--input-type=module', '-e', script]
  expect(execFileSync(process.execPath, argv, { cwd: packageRoot, encoding: 'utf8' })).toBe('false true\n')
})
