import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { loadSweep } from '../../src/sweep/plan/load.js'

const folder = mkdtempSync(join(tmpdir(), 'sweep-'))
mkdirSync(join(folder, 'sweeps'))
writeFileSync(
  join(folder, 'base.yaml'),
  'name: base\nbackbone: t5-nano\nmethod: compacter\ntask: rotten-tomatoes\ntraining: { steps: 10 }\n',
)

const file = (text: string): string => {
  const path = join(folder, 'sweeps', 'trial.yaml')
  writeFileSync(path, text)
  return path
}

const good = 'experiment: ../base.yaml\n'

/** Every cell of a sweep: its name and its axes. */
const table = (text: string, ...sets: string[]) =>
  loadSweep(file(text), sets).cells.map(({ name, axes }) => [name, ...Object.values(axes)])

/** The whole message that loading gives, with the temporary folder as DIR. */
function complaint(text: string, ...sets: string[]): string {
  try {
    loadSweep(file(text), sets)
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 })
    return (error as Error).message.replaceAll(folder, 'DIR')
  }
  return 'no error'
}

describe('a sweep becomes cells', () => {
  test('axes: every combination, the first key outermost', () => {
    expect(table(`${good}axes:\n  method.preset: [compacter, adapter]\n  training.seed: [0, 1, 2]\n`)).toEqual([
      ['compacter-seed0', 'compacter', 0],
      ['compacter-seed1', 'compacter', 1],
      ['compacter-seed2', 'compacter', 2],
      ['adapter-seed0', 'adapter', 0],
      ['adapter-seed1', 'adapter', 1],
      ['adapter-seed2', 'adapter', 2],
    ])
  })

  test('cells: one by one, each with its own keys', () => {
    expect(
      table(
        `${good}cells:\n  - { method: bitfit }\n  - { method: { preset: compacter, n: 8 }, training.seed: 7 }\n  - {}\n`,
      ),
    ).toEqual([['bitfit', 'bitfit'], ['compacter-n8-seed7', { preset: 'compacter', n: 8 }, 7], ['base']])
  })

  // expected: Python's MT19937 with the state of init_genrand(3), u = (u32 >> 8) * 2**-24: [4, 8][int(u * 2)], then
  // float('%.3g' % exp(log(1e-4) + u * (log(1e-2) - log(1e-4))))
  test('draws: the same ones from the same seed, no two alike', () => {
    const text = (seed: number) =>
      `${good}draws:\n  count: 4\n  seed: ${seed}\n  values:\n    method.n: [4, 8]\n    training.learning_rate: { min: 1.0e-4, max: 1.0e-2, scale: log }\n`
    const drawn = table(text(3)).map(([, ...values]) => values)
    expect(drawn).toEqual([
      [8, 0.000138],
      [8, 0.00479],
      [4, 0.000175],
      [8, 0.00138],
    ])
    expect(table(text(4))).not.toEqual(table(text(3)))
  })

  test('draws of whole numbers are all of the range, and no more cells than there are are asked for in vain', () => {
    const text = (count: number, scale: string) =>
      `${good}draws:\n  count: ${count}\n  values: { training.seed: { min: 1, max: 4, integer: true, scale: ${scale} } }\n`
    const seeds = (scale: string) => table(text(4, scale)).map(([, seed]) => seed)
    expect(seeds('linear').sort()).toEqual([1, 2, 3, 4])
    expect(seeds('log').sort()).toEqual([1, 2, 3, 4])
    expect(complaint(text(5, 'linear'))).toBe(
      'DIR/sweeps/trial.yaml:3:3: draws.count is 5; only 4 different cells came out. List all of them with axes, or widen the values.',
    )
  })

  test('the experiment of a cell is the one that --set gives, and relative files start from the sweep', () => {
    writeFileSync(join(folder, 'sweeps', 'rows.jsonl'), '{"text": "good", "label": "positive"}\n')
    const rows = { train: 'rows.jsonl', validation: 'rows.jsonl', test: 'rows.jsonl' }
    const task = { name: 'rows', prompt: 'sentence: {text}', labels: { positive: 'positive' }, ...rows }
    const { cells } = loadSweep(
      file(
        `${good}set:\n  task: ${JSON.stringify(task)}\naxes:\n  method: [compacter, bitfit]\n  training.seed: [3]\n`,
      ),
      ['training.steps=5'],
    )
    const absolute = Object.fromEntries(Object.keys(rows).map((split) => [split, join(folder, 'sweeps', 'rows.jsonl')]))
    expect(cells[1]!.experiment).toEqual(
      loadExperiment(join(folder, 'base.yaml'), [
        `task=${JSON.stringify({ ...task, ...absolute })}`,
        'training.steps=5',
        'method=bitfit',
        'training.seed=3',
      ]),
    )
  })

  test('names are folders: no separators, none like another, none of the sweep itself, none too long', () => {
    const names = (text: string) => table(text).map(([name]) => name)
    expect(
      names(
        `${good}axes:\n  task.preset: [glue/rte, superglue/rte]\n  training.seed: [1]\n  task.subset: [{ size: 9, seed: 1 }]\n`,
      ),
    ).toEqual(['glue-rte-seed1-size9-seed1', 'superglue-rte-seed1-size9-seed1'])
    expect(names(`${good}axes:\n  training.seed: [1]\n  task.subset.seed: [2]\n  task.subset.size: [9]\n`)).toEqual([
      'training.seed1-subset.seed2-size9',
    ])
    expect(names(`${good}axes:\n  task.prompt: ['{text}?', '{text}!']\n`)).toEqual([
      expect.stringMatching(/^prompt-text-[0-9a-f]{8}$/),
      expect.stringMatching(/^prompt-text-[0-9a-f]{8}$/),
    ])
    const [long] = names(`${good}axes:\n  task.prompt: ['${'x'.repeat(200)} {text}']\n`)
    expect(long).toMatch(/^prompt-x{73}-[0-9a-f]{8}$/)
    expect(names(`${good}axes:\n  task.name: [logs, ..]\n`)).toEqual([
      expect.stringMatching(/^logs-[0-9a-f]{8}$/),
      'none',
    ])
  })

  test.each(presetNames('sweeps'))('%s that comes with the toolkit is right', (name) => {
    expect(loadSweep(name).cells.length).toBeGreaterThan(0)
  })
})

describe('a bad sweep names the place, the fault and what would work', () => {
  const axes = (keys: string) => `${good}axes:\n  ${keys}\n`
  test.each([
    [
      'nothing',
      '',
      'DIR/sweeps/trial.yaml:1:1: a sweep is empty; it must be a mapping of keys to values. compacter list sweeps names some.',
    ],
    [
      'no experiment',
      'axes: { training.seed: [0] }\n',
      'DIR/sweeps/trial.yaml:1:1: A sweep has no experiment. Needed: Experiment file, relative to the folder of this one, or the name of a shipped one.',
    ],
    [
      'no such experiment',
      'experiment: ../bas.yaml\naxes: { training.seed: [0] }\n',
      'DIR/sweeps/trial.yaml:1:1: experiment is "../bas.yaml"; there is no such experiment and no file DIR/bas.yaml. Did you mean base.yaml?',
    ],
    [
      'nothing that varies',
      good,
      'DIR/sweeps/trial.yaml:1:1: A sweep has neither axes nor cells nor draws. Needed: one of the three.',
    ],
    [
      'two ways at once',
      `${axes('training.seed: [0]')}cells:\n  - {}\n`,
      'DIR/sweeps/trial.yaml:4:1: A sweep has axes and cells. Keep one of them.',
    ],
    [
      'an unknown key',
      `${axes('training.seed: [0]')}axis: {}\n`,
      'DIR/sweeps/trial.yaml:4:1: A sweep has no key axis. Did you mean axes?',
    ],
    ['no list', axes('training.seed: 3'), 'DIR/sweeps/trial.yaml:3:3: axes.training.seed is 3; it must be a list.'],
    ['an empty list', axes('training.seed: []'), 'DIR/sweeps/trial.yaml:3:3: axes.training.seed is empty.'],
    ['no axes', `${good}axes: {}\n`, 'DIR/sweeps/trial.yaml:2:1: axes is empty. Needed: a key and its values.'],
    [
      'a key that is none',
      axes('training..seed: [1]'),
      'DIR/sweeps/trial.yaml:3:3: axes has the key "training..seed"; it must be a key of an experiment. For instance method.n.',
    ],
    [
      'a wrong value, once for all cells',
      axes('training.seed: [0, x]\n  method.n: [4, 5, 8]'),
      'DIR/sweeps/trial.yaml:3:22: training.seed is "x"; it must be a whole number. The default is 42.\nDIR/sweeps/trial.yaml:4:17: method.n is 5; it must divide d_model (256) and the bottleneck (8). Nearest that do: 4 or 8; all: 1, 2, 4, 8.',
    ],
    [
      'a wrong value inside a value',
      axes('method: [bitfit, { preset: compacter, n: 5 }]'),
      'DIR/sweeps/trial.yaml:3:41: method.n is 5; it must divide d_model (256) and the bottleneck (8). Nearest that do: 4 or 8; all: 1, 2, 4, 8.',
    ],
    [
      'an unknown key of an experiment',
      axes('training.sed: [1, 2]'),
      'DIR/sweeps/trial.yaml:3:18: training has no key sed. Did you mean seed?\nDIR/sweeps/trial.yaml:3:21: training has no key sed. Did you mean seed?',
    ],
    [
      'a wrong value of set',
      `${good}set: { training.steps: 0 }\naxes: { training.seed: [0] }\n`,
      'DIR/sweeps/trial.yaml:2:8: training.steps is 0; it must be at least 1.',
    ],
    [
      'a value of set that an axis replaces',
      `${good}set: { training.seed: 0 }\naxes: { training.seed: [0] }\n`,
      'DIR/sweeps/trial.yaml:2:8: set.training.seed is replaced by the values of training.seed. Keep one of the two.',
    ],
    [
      'one cell twice',
      axes('method.preset: [compacter, adapter, compacter]\n  training.seed: [0]'),
      'DIR/sweeps/trial.yaml:3:39: the cells {method.preset: "compacter", training.seed: 0} and {method.preset: "compacter", training.seed: 0} are one experiment. Keep one of the two.',
    ],
    [
      'one cell in other words',
      `${good}cells:\n  - { method.n: 4 }\n  - { method.rank: 1 }\n`,
      'DIR/sweeps/trial.yaml:4:7: the cells {method.n: 4} and {method.rank: 1} are one experiment. Keep one of the two.',
    ],
    [
      'too many cells',
      axes(`training.seed: [${[...Array(101).keys()]}]\n  training.warmup_steps: [${[...Array(100).keys()]}]`),
      'DIR/sweeps/trial.yaml:2:1: axes makes 10,100 cells; a sweep has at most 10,000. Draw some of them with draws.',
    ],
    [
      'a range the wrong way round',
      `${good}draws: { count: 2, values: { training.learning_rate: { min: 1, max: 0.1 } } }\n`,
      'DIR/sweeps/trial.yaml:2:30: draws.values.training.learning_rate is from 1 to 0.1; min must be below max.',
    ],
    [
      'a logarithm of nothing',
      `${good}draws: { count: 2, values: { training.learning_rate: { min: 0, max: 0.1, scale: log } } }\n`,
      'DIR/sweeps/trial.yaml:2:56: draws.values.training.learning_rate.min is 0; on a logarithmic scale it must be above 0.',
    ],
    [
      'a choice that is not a list',
      `${good}draws: { count: 2, values: { training.seed: 3 } }\n`,
      'DIR/sweeps/trial.yaml:2:30: draws.values.training.seed is 3; it must be a list of choices, or a range with min and max.',
    ],
    [
      'a wrong option of SLURM',
      `${axes('training.seed: [0]')}slurm: { gpu: 1 }\n`,
      'DIR/sweeps/trial.yaml:4:10: slurm has no key gpu. Did you mean gpus?',
    ],
  ])('%s', (_, text, expected) => expect(complaint(text)).toBe(expected))

  test('--set', () => {
    const text = axes('training.seed: [0]')
    expect(complaint(text, 'training.seed=3')).toBe(
      "--set training.seed=3: is replaced by the sweep's values of training.seed. Keep one of the two.",
    )
    expect(complaint(text, 'method.n=5')).toBe(
      '--set method.n=5: method.n is 5; it must divide d_model (256) and the bottleneck (8). Nearest that do: 4 or 8; all: 1, 2, 4, 8.',
    )
    for (const [key, axis] of [
      ['method', 'method.preset: [lora, adapter]'],
      ['backbone', 'backbone.name: [t5-nano]'],
    ] as const)
      expect(complaint(axes(axis), `${key}=other`)).toBe(
        `--set ${key}=other: is replaced by the sweep's values of ${axis.split(':')[0]}. Keep one of the two.`,
      )
  })

  test('an experiment instead of a sweep is recognised, by its file and by its name', () => {
    const message = (name: string) =>
      `${name}: is an experiment, not a sweep of several. Train it with: compacter train ${name} (--dry-run checks it).`
    expect(() => loadSweep('quickstart')).toThrow(message('quickstart'))
    const file = join(packageRoot, 'experiments/quickstart.yaml')
    expect(() => loadSweep(file)).toThrow(message(file))
  })

  test('a file that is not there', () => {
    expect(() => loadSweep('quik')).toThrow('quik: there is no such file. Did you mean quick?')
  })
})
