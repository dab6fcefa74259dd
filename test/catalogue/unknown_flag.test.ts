import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import Bench from '../../commands/bench.js'
import Eval from '../../commands/eval.js'
import Status from '../../commands/sweep/status.js'
import Train from '../../commands/train.js'
import { packageRoot } from '../../src/base/root.js'
import { unknownFlag } from '../../src/catalogue/unknown_flag.js'
import { synonymOf } from '../../src/experiment/synonyms.js'

const commands = [
  { id: 'train', flags: Train.flags },
  { id: 'bench', flags: Bench.flags },
  { id: 'eval', flags: Eval.flags },
  { id: 'sweep:status', flags: Status.flags },
]

test.each([
  ['train x --learning-rate 1', '--learning-rate', 'train', 'Did you mean --lr?'],
  ['train x --num_train_epochs=3', '--num_train_epochs', 'train', 'Did you mean --epochs?'],
  ['train x --per-device-train-batch-size 8', '--per-device-train-batch-size', 'train', 'Did you mean --batch-size?'],
  ['train x --max-steps 8', '--max-steps', 'train', 'Did you mean --steps?'],
  ['train x --r 8', '--r', 'train', 'Did you mean --set method.rank=…?'],
  [
    'train x --gradient-accumulation-steps 4',
    '--gradient-accumulation-steps',
    'train',
    'Did you mean --set training.micro_batch_size=…? These are the rows that are computed at once: batch_size divided by the steps of accumulation.',
  ],
  ['train x --schedule cosine', '--schedule', 'train', 'Did you mean --set training.schedule=…?'],
  ['train x --warmup 0.1', '--warmup', 'train', 'Did you mean --set training.warmup_steps=…?'],
  ['train x --early-stopping 3', '--early-stopping', 'train', 'Did you mean --set training.patience=…?'],
  ['train x --Best-Metric loss', '--Best-Metric', 'train', 'Did you mean --set training.best_metric=…?'],
  [
    'train x --data a.csv',
    '--data',
    'train',
    'Did you mean --set task.train=…? The other splits are task.validation and task.test.',
  ],
  ['train x --method bitfit', '--method', 'train', 'Did you mean --set method=…?'],
  ['train x --n 8', '--n', 'train', 'Did you mean --set method.n=…?'],
  ['eval x --num-beams 4', '--num-beams', 'eval', 'Did you mean --beams?'],
  ['eval x --data y', '--data', 'eval', 'Did you mean --task?'],
  ['eval x --validation-file y', '--validation-file', 'eval', 'Did you mean --set task.validation=…?'],
  // its --set takes places only
  ['eval x --schedule cosine', '--schedule', 'eval', 'All flags: compacter eval --help.'],
  ['train x --output-dir y', '--output-dir', 'train', 'Did you mean --run-dir?'],
  ['train x --epohcs 3', '--epohcs', 'train', 'Did you mean --epochs?'],
  ['train x --zzz', '--zzz', 'train', 'All flags: compacter train --help.'],
  ['sweep status x --no-wacth', '--no-wacth', 'sweep status', 'Did you mean --no-watch?'],
  ['sweep status x --lr 3', '--lr', 'sweep status', 'All flags: compacter sweep status --help.'],
])('%s', (line, flag, command, remedy) => {
  const { message, exitCode } = unknownFlag([flag], line.split(' '), commands)
  expect(message).toBe(`compacter ${command}: there is no flag ${flag}. ${remedy}`)
  expect(exitCode).toBe(2)
})

test('several are reported together, the list of flags once', () => {
  expect(unknownFlag(['--epohcs', '--zzz', '--yyy'], ['train'], commands).message).toBe(
    'compacter train: there are no flags --epohcs, --zzz, --yyy. Did you mean --epochs? All flags: compacter train --help.',
  )
})

test('every synonym in the table means a key that the schema has', () => {
  const source = readFileSync(join(packageRoot, 'src/experiment/synonyms.ts'), 'utf8')
  const names = [...source.matchAll(/^ {2}(\w+): [{A-Z]/gm)].map(([, name]) => name!)
  const reference = readFileSync(join(packageRoot, 'docs/experiment.md'), 'utf8')
  expect(names.length).toBeGreaterThan(30)
  for (const name of names) {
    const synonym = synonymOf(name)!
    const [section, key] = ('key' in synonym ? synonym.key : synonym.beside).split('.')
    const heading = `### \`${section}\`${key === 'kind' ? ', kind `' : ''}`
    const row = key === undefined || key === 'kind' ? [heading] : [`| \`${key}\` |`, `| \`${key}.`]
    expect(
      row.some((text) => reference.includes(text)),
      name,
    ).toBe(true)
  }
})
