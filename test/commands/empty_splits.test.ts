import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const engine = ['--engine', engines[0]!, '--threads', '1']
const { folder } = smallExperiment({})

const experiment = (name: string, task: string[]): string => {
  const file = join(folder, `${name}.yaml`)
  const lines = [
    'backbone: t5-nano',
    'method: bitfit',
    'task:',
    '  name: small',
    '  train: train.jsonl',
    "  prompt: 'sentence: {text}'",
    ...task.map((line) => `  ${line}`),
    'training: { steps: 1, batch_size: 4, source_length: 16 }',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

const refused = async (args: string[]) => {
  const { code, stderr } = await compacter(args)
  return [code, stderr.trimEnd().split('\n').at(-1)]
}

writeFileSync(join(folder, 'one.jsonl'), '{"text": "a warm and funny story", "label": "1"}\n')
const halves = experiment('halves', ['validation: one.jsonl', 'split: halves'])
const held = experiment('held', ['test: test.jsonl', 'split: held_out', 'held_out: 64'])

const sweepOf = (file: string): string => {
  const sweep = join(folder, 'sweep.yaml')
  writeFileSync(sweep, `experiment: ${file}\naxes:\n  training.seed: [0, 1]\n`)
  return sweep
}

test.each<[string, (file: string) => string[]]>([
  ['train', (file) => ['train', file, '--run-dir', join(folder, 'run'), ...engine]],
  ['train --dry-run', (file) => ['train', file, '--dry-run', ...engine]],
  [
    'train --low-resource',
    (file) => ['train', file, '--low-resource', '--sizes', '4', '--run-dir', join(folder, 'low')],
  ],
  ['sweep run', (file) => ['sweep', 'run', sweepOf(file), '--dir', join(folder, 'cells'), ...engine]],
  ['subsample', (file) => ['subsample', file, '--size', '1', '--out', join(folder, 'subsets')]],
])('%s refuses a split without rows, at its key', async (command, args) => {
  expect(await refused(args(held))).toEqual([
    2,
    `${held}:9:3: task.held_out is 64; ${join(folder, 'train.jsonl')} has 64 rows: train would have none. At most 63 can be; by default a fifth is.`,
  ])
  if (command === 'subsample') return // reads the training rows only
  expect(await refused(args(halves))).toEqual([
    2,
    `${halves}:8:3: task.split is halves; ${join(folder, 'one.jsonl')} has 1 row: validation would have none. Needed: two rows or more.`,
  ])
})

test('a run says how many rows were held out, trains on the others, and eval refuses a split without rows', async () => {
  const file = experiment('fifth', ['test: test.jsonl', 'split: held_out'])
  const run = join(folder, 'fifth')
  const trained = await compacter(['train', file, '--run-dir', run, ...engine])
  expect(trained.code, trained.stderr).toBe(0)
  expect(trained.stderr).toContain("Validation: 12 rows held out of train, a fifth of it (the paper's 1000 take 5000)")
  const before = readFileSync(join(run, 'experiment.yaml'), 'utf8')
  expect(before).toContain('\n  held_out: 12\n')
  const again = await compacter(['train', file, '--run-dir', run, '--resume', ...engine])
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('The run is finished already.')])
  writeFileSync(join(run, 'experiment.yaml'), before.replace('held_out: 12', 'held_out: 64'))
  const line = before.split('\n').findIndex((text) => text.startsWith('  held_out:')) + 1
  expect(await refused(['eval', run, '--split', 'validation', ...engine])).toEqual([
    2,
    `${join(run, 'experiment.yaml')}:${line}:3: task.held_out is 64; ${join(folder, 'train.jsonl')} has 64 rows: train would have none. At most 63 can be; by default a fifth is.`,
  ])
})

test('a sweep with held-out rows continues with its earlier runs', async () => {
  const sweep = sweepOf(experiment('swept', ['test: test.jsonl', 'split: held_out']))
  const command = ['sweep', 'run', sweep, '--dir', join(folder, 'swept'), ...engine]
  const first = await compacter(command)
  expect(first.code, first.stderr).toBe(0)
  const second = await compacter(command)
  expect(second.code, second.stderr).toBe(0)
  expect(second.stderr).toContain('2 of 2 cells are finished already.')
})
