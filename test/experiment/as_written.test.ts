import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { experimentYaml, loadExperiment } from '../../src/experiment/load/load.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { readSplit } from '../../src/task/rows/source.js'

const folder = mkdtempSync(join(tmpdir(), 'as-written-'))
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

// YAML reads all of these as something else than text: booleans, numbers, nothing.
const CELLS = [
  'True',
  'FALSE',
  '1.0',
  '01',
  '1e3',
  '+1',
  '0x10',
  '.5',
  '-0',
  '1_000',
  '~',
  'null',
  'Null',
  '.inf',
  'yes',
]
const [first, second] = ['good', 'bad']

const experiment = (task: string) => `backbone: t5-nano
method: bitfit
task:
  name: marks
  train: rows.csv
  validation: rows.csv
  test: rows.csv
  prompt: '{text}'
${task}training: { steps: 1 }
`
const targets = async (file: string, ...sets: string[]) =>
  (await readSplit(loadExperiment(file, sets).task, 'train')).map(({ target }) => target)

describe.each(CELLS)('the label %s', (cell) => {
  const rows = () => write('rows.csv', `text,label\na,${cell}\nb,0\nc,${cell}\n`)

  test('as a key of task.labels is the cell that is written so, in a block or in braces', async () => {
    rows()
    const block = write('block.yaml', experiment(`  labels:\n    ${cell}: ${first}\n    0: ${second}\n`))
    expect(await targets(block)).toEqual([first, second, first])
    const braces = write('braces.yaml', experiment(`  labels: { 0: ${second}, ${cell}: ${first} }\n`))
    expect(await targets(braces)).toEqual([first, second, first])
    expect(await targets(write('again.yaml', experimentYaml(loadExperiment(braces))))).toEqual([first, second, first])
  })

  test('by --set and in a preset of which --set changes the labels', async () => {
    rows()
    const plain = write('plain.yaml', experiment(''))
    expect(await targets(plain, `task.labels={${cell}: ${first}, 0: ${second}}`)).toEqual([first, second, first])
    const files = ['train', 'validation', 'test'].map((split) => `task.${split}=${join(folder, 'rows.csv')}`)
    const preset = write(
      'preset.yaml',
      `backbone: t5-nano
method: bitfit
task: { preset: rotten-tomatoes, labels: { ${cell}: ${first}, 0: ${second} } }
training: { steps: 1 }
`,
    )
    expect(await targets(preset, ...files)).toEqual([first, second, first])
  })
})

const TEXTS = CELLS.filter((cell) => !['~', 'null', 'Null'].includes(cell))

test.each(TEXTS)('%s is text as task.positive, as a label text and as a name', (text) => {
  const labels = `  labels: { ${text}: ${text}, 0: zero }\n  metrics: [f1]\n`
  const file = write('texts.yaml', `name: a\n${experiment(`${labels}  positive: ${text}\n`)}`.replace('marks', text))
  const expected = { positive: text, name: text, labels: { [text]: text, 0: 'zero' } }
  expect(loadExperiment(file).task).toMatchObject(expected)
  const bare = write('bare.yaml', `name: a\n${experiment(labels)}`)
  const set = loadExperiment(bare, [`task.positive=${text}`, `task.name=${text}`, `task.labels.${'0'}=${text}`]).task
  expect(set).toMatchObject({ positive: text, name: text, labels: { 0: text } })
})

test('numbers stay numbers, also where one alias serves both', () => {
  const task = experiment('  positive: &one 1.0\n').replace(
    '{ steps: 1 }',
    '{ steps: 010, seed: *one, batch_size: 1e2 }',
  )
  const loaded = loadExperiment(write('numbers.yaml', task))
  expect(loaded.task).toMatchObject({ positive: '1.0' })
  expect(loaded.training).toMatchObject({ steps: 10, seed: 1, batch_size: 100 })
})

test('nothing where text is needed is a mistake that says to quote', () => {
  for (const nothing of ['null', '~', 'NULL']) {
    const file = write('null.yaml', experiment(`  labels: { 1: good, 0: ${nothing} }\n  positive: ${nothing}\n`))
    const told = (key: string) => `${key} is null; it must be text. Quote it if that is the text: 'null'.`
    expect(() => loadExperiment(file)).toThrow(`${file}:9:22: ${told('task.labels.0')}`)
    expect(() => loadExperiment(file)).toThrow(`${file}:10:3: ${told('task.positive')}`)
  }
})

test('keys that are one number and written in two ways are two labels; one that is written twice is a mistake', () => {
  const two = write('two.yaml', experiment('  labels: { 1: a, 01: b, 1.0: c }\n'))
  expect(loadExperiment(two).task).toMatchObject({ labels: { 1: 'a', '01': 'b', '1.0': 'c' } })
  const twice = write('twice.yaml', experiment("  labels: { 1: a, '1': b }\n"))
  expect(() => loadExperiment(twice)).toThrow('occurs twice. Keep one of the two.')
})

test('the values of a sweep are text where the experiment has text', () => {
  write('rows.csv', 'text,label\na,01\n')
  write('base.yaml', experiment('  metrics: [f1]\n'))
  const sweep = (values: string) => write('sweep.yaml', `experiment: base.yaml\n${values}\nslurm: { time: 30 }\n`)
  const positives = (file: string) => loadSweep(file).cells.map(({ experiment }) => experiment.task)
  const expected = [{ positive: '01' }, { positive: 'True' }]
  expect(positives(sweep('axes: { task.positive: [01, True] }'))).toMatchObject(expected)
  expect(positives(sweep('cells: [{ task.positive: 01 }, { task.positive: True }]'))).toMatchObject(expected)
  const drawn = positives(sweep('draws: { count: 2, values: { task.positive: [01, True] } }'))
  expect(drawn.map((task) => 'positive' in task && task.positive).sort()).toEqual(['01', 'True'])
  const set = sweep('set: { task.labels: { 01: 1.0 }, task.positive: 01 }\naxes: { training.seed: [01, 2] }')
  expect(positives(set)[0]).toMatchObject({ positive: '01', labels: { '01': '1.0' } })
  expect(loadSweep(set).cells.map(({ experiment }) => experiment.training.seed)).toEqual([1, 2])
  expect(loadSweep(set).slurm.time).toBe('30')
  expect(loadSweep(write('kept.yaml', loadSweep(set).yaml)).yaml).toBe(loadSweep(set).yaml)
})
