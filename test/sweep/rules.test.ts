import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { skippedLine } from '../../src/sweep/plan/misfits.js'

const folder = mkdtempSync(join(tmpdir(), 'rules-'))
writeFileSync(
  join(folder, 'base.yaml'),
  'name: base\nbackbone: t5-nano\nmethod: compacter\ntask: rotten-tomatoes\ntraining: { epochs: 20 }\n',
)
const path = join(folder, 'trial.yaml')

function load(text: string, ...sets: string[]) {
  writeFileSync(path, `experiment: base.yaml\n${text}`)
  return loadSweep(path, sets)
}

function complaint(text: string, ...sets: string[]): string {
  try {
    load(text, ...sets)
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 })
    return (error as Error).message.replaceAll(folder, 'DIR')
  }
  return 'no error'
}

const axes = 'axes: { task.preset: [rotten-tomatoes, glue/rte], method.preset: [compacter, bitfit] }\n'

describe('rules give some cells values and axes of their own', () => {
  test('each cell of its values, and one for every combination of its axes', () => {
    const { cells, axes: keys } = load(
      `${axes}rules:
  - { when: { task.preset: [glue/rte] }, set: { training.epochs: 3 } }
  - { when: { method.preset: [compacter] }, axes: { method.n: [4, 8] } }
  - { when: { method.n: [8], task.preset: [glue/rte] }, set: { training.batch_size: 7 } }
`,
    )
    expect(keys).toEqual(['task.preset', 'method.preset', 'method.n'])
    expect(
      cells.map(({ name, axes, experiment: { training } }) => [name, axes, training.epochs, training.batch_size]),
    ).toEqual([
      ['rotten-tomatoes-compacter-n4', axesOf('rotten-tomatoes', 'compacter', 4), 20, 100],
      ['rotten-tomatoes-compacter-n8', axesOf('rotten-tomatoes', 'compacter', 8), 20, 100],
      ['rotten-tomatoes-bitfit', axesOf('rotten-tomatoes', 'bitfit'), 20, 100],
      ['glue-rte-compacter-n4', axesOf('glue/rte', 'compacter', 4), 3, 100],
      ['glue-rte-compacter-n8', axesOf('glue/rte', 'compacter', 8), 3, 7],
      ['glue-rte-bitfit', axesOf('glue/rte', 'bitfit'), 3, 100],
    ])
  })

  test('set goes first, then rules, then --set', () => {
    const text = `set: { training.epochs: 5 }\n${axes}rules:\n  - { when: { task.preset: [glue/rte] }, set: { training.epochs: 3 } }\n`
    const epochs = (...sets: string[]) => load(text, ...sets).cells.map(({ experiment }) => experiment.training.epochs)
    expect(epochs()).toEqual([5, 5, 3, 3])
    expect(epochs('training.epochs=1')).toEqual([1, 1, 1, 1])
  })

  test('cells and draws have them too', () => {
    const rules = 'rules:\n  - { when: { method.n: [8] }, set: { method.rank: 2 } }\n'
    const ranks = (text: string) =>
      load(text + rules).cells.map(({ experiment: { method } }) => 'rank' in method && method.rank)
    expect(ranks('cells: [{ method.n: 4 }, { method.n: 8 }]\n')).toEqual([1, 2])
    expect(ranks('draws: { count: 2, values: { method.n: [4, 8] } }\n').sort()).toEqual([1, 2])
  })
})

function axesOf(task: string, method: string, n?: number) {
  return { 'task.preset': task, 'method.preset': method, ...(n !== undefined && { 'method.n': n }) }
}

describe('a rule that is for nothing, or whose values another replaces, is refused', () => {
  const rule = (text: string) => `${axes}rules:\n  - { ${text} }\n`
  test.each([
    [
      rule('when: { method.n: [4] }, set: { training.epochs: 3 }'),
      'DIR/trial.yaml:4:15: rules.0.when has method.n, which is not an axis of any cell. Axes: task.preset, method.preset.',
    ],
    [
      rule('when: { task.preset: [glue/rt] }, set: { training.epochs: 3 }'),
      'DIR/trial.yaml:4:29: rules.0.when.task.preset has "glue/rt", which no cell has. Cells have "rotten-tomatoes", "glue/rte".',
    ],
    [
      `axes: { method.preset: [compcter, bitfit] }\nrules:\n${['compacter', 'compacter, bitfit']
        .map((names) => `  - { when: { method.preset: [${names}] }, set: { training.epochs: 3 } }\n`)
        .join('')}`,
      'DIR/trial.yaml:2:25: method is "compcter"; there is no such preset. Did you mean compacter?',
    ],
    [
      `axes: { task: [glue/rt] }\nrules:\n  - { when: { task: [glue/rta] }, set: { training.epochs: 3 } }\n`,
      'DIR/trial.yaml:2:16: task is "glue/rt"; there is no such preset. Did you mean glue/rte?\n' +
        'DIR/trial.yaml:4:22: rules.0.when.task has "glue/rta", which no cell has. Cells have "glue/rt".',
    ],
    [
      rule('when: { task.preset: [glue/rte] }, set: { method.preset: full }'),
      'DIR/trial.yaml:4:49: rules.0.set.method.preset is for cells that have values of method.preset already. Keep one of the two.',
    ],
    [
      rule('when: { task.preset: [glue/rte] }, axes: { method.preset: [full] }'),
      'DIR/trial.yaml:4:50: rules.0.axes.method.preset is for cells that have values of method.preset already. Keep one of the two.',
    ],
    [
      rule('when: { task.preset: [glue/rte] }, set: { training..epochs: 3 }'),
      'DIR/trial.yaml:4:49: rules.0.set has the key "training..epochs"; it must be a key of an experiment. For instance method.n.',
    ],
  ])('%s', (text, message) => expect(complaint(text)).toBe(message))

  test('more cells than a sweep has', () => {
    const many = Array.from({ length: 5000 }, (_, i) => i).join(', ')
    expect(complaint(rule(`when: { task.preset: [glue/rte] }, axes: { training.seed: [${many}] }`))).toBe(
      'DIR/trial.yaml:3:1: With rules there are 10,002 cells; a sweep has at most 10,000. Give fewer values.',
    )
  })

  test('--set of an axis that a rule adds', () => {
    const text = rule('when: { method.preset: [compacter] }, axes: { method.n: [4, 8] }')
    expect(complaint(text, 'method.n=2')).toBe(
      "--set method.n=2: is replaced by the sweep's values of method.n. Keep one of the two.",
    )
  })
})

describe('misfits: skip', () => {
  const text = 'axes: { method.n: [4, 12] }\n'

  test('leaves out the cells whose method does not fit the backbone, with the reason', () => {
    const { cells, skipped } = load(`misfits: skip\n${text}`)
    expect(cells.map(({ name }) => name)).toEqual(['n4'])
    expect(skippedLine(skipped)).toBe(
      '1 cell is left out: its method does not fit the backbone. method.n is 12; it must divide d_model (256) and the bottleneck (8).',
    )
  })

  test('without it they are refused, and so are other faults and a sweep of which nothing fits', () => {
    const fault = 'method.n is 12; it must divide'
    expect(complaint(text)).toContain(fault)
    expect(complaint(`misfits: skip\n${text.replace('4, ', '')}`)).toContain(fault)
    expect(complaint(`misfits: skip\nset: { training.epochs: 0 }\n${text}`)).toContain('training.epochs')
  })
})
