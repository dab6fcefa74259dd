import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { prepareData } from '../../src/engine/prepare/data.js'
import { prepareBackbone } from '../../src/engine/prepare/prepare.js'
import { experimentYaml, loadExperiment } from '../../src/experiment/load/load.js'
import { runExperiment } from '../../src/run/experiment.js'
import { GLUE } from '../../src/task/benchmark/glue.js'
import { SUPERGLUE } from '../../src/task/benchmark/superglue.js'
import { namesAmong, shownLabel } from '../../src/task/labels/label_names.js'
import { readTargets } from '../../src/task/labels/targets.js'

const folder = mkdtempSync(join(tmpdir(), 'label-names-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const rows = write('rows.csv', 'text,label\nfine,1\ndull,0\nwarm,1\n')
const splits = ['train', 'validation', 'test'].map((split) => `task.${split}=${rows}`)

const experiment = (task: string) =>
  write(
    'trial.yaml',
    `backbone: t5-nano
method: bitfit
task:
  name: marks
  train: rows.csv
  validation: rows.csv
  test: rows.csv
  prompt: '{text}'
${task}training: { steps: 1 }
`,
  )
const namesIn = (file: string, ...sets: string[]) => {
  const { task } = loadExperiment(file, sets)
  return task.kind === 'classification' ? task.label_names : undefined
}

describe('names of labels', () => {
  const labels = '  labels: { 1: bad, 2: bad, 4: good }\n'

  test.each([
    [
      'of a value that task.labels does not have',
      `${labels}  label_names:\n    1: Poor\n    3: Fair\n`,
      "trial.yaml:12:5: task.label_names names '3', which is not a label. Labels: 1, 2, 4.",
    ],
    [
      'that two labels share',
      `${labels}  label_names: { 1: Poor, 4: ' Poor' }\n`,
      "trial.yaml:10:27: task.label_names gives the labels 1 and 4 the same name 'Poor'. Give each a name of its own.",
    ],
    [
      'that two values share, where they are targets themselves',
      '  label_names: { 0: Poor, 1: Poor }\n',
      "trial.yaml:9:27: task.label_names gives the labels 0 and 1 the same name 'Poor'. Give each a name of its own.",
    ],
    [
      'of which one target text has two',
      `${labels}  label_names: { 1: Poor, 2: Fair, 4: Fine }\n`,
      "trial.yaml:10:27: task.label_names gives the labels 1 and 2, which have the one target text 'bad', two names. Outputs cannot tell them apart: give both one name.",
    ],
    [
      'that are nothing',
      '  label_names: { 1: null }\n',
      "trial.yaml:9:18: task.label_names.1 is null; it must be text. Quote it if that is the text: 'null'.",
    ],
  ])('%s are an error at their place', (_, task, expected) => {
    expect(() => loadExperiment(experiment(task))).toThrow(join(folder, expected))
  })

  test('belong to the values as written, as the keys of task.labels do', () => {
    expect(namesIn(experiment('  labels: { True: a, 01: b }\n  label_names: { True: yes, 01: 1.0 }\n'))).toEqual({
      True: 'yes',
      '01': '1.0',
    })
    expect(() => loadExperiment(experiment('  labels: { True: a, 1: b }\n  label_names: { 01: x }\n'))).toThrow(
      "names '01', which is not a label. Labels: 1, True.",
    )
  })

  test('may be of some labels only, and one of two values of one target', () => {
    const names = { 1: 'Poor', 2: 'Poor' }
    expect(namesIn(experiment(`${labels}  label_names: { 1: Poor, 2: Poor }\n`))).toEqual(names)
  })

  test('exist only in classifications', () => {
    expect(() => loadExperiment(experiment('  kind: regression\n  label_names: { 1: a }\n'))).toThrow(
      'task has no key label_names.',
    )
  })

  test('are checked in the experiment.yaml of a run too, where they may be changed', () => {
    const text = experimentYaml(loadExperiment(experiment('  label_names: { 0: dull, 1: fine }\n')))
    const file = write('run.yaml', text.replace('dull', 'fine'))
    const line = text.split('\n').findIndex((line) => line.includes('"1": fine')) + 1
    expect(() => runExperiment(file)).toThrow(
      `${file}:${line}:5: task.label_names gives the labels 0 and 1 the same name 'fine'. Give each a name of its own.`,
    )
  })
})

describe('the names of a preset', () => {
  const preset = (keys: string) =>
    write('preset.yaml', `backbone: t5-nano\nmethod: bitfit\ntask: ${keys}\ntraining: { steps: 1 }\n`)

  test('are those of its rows', () => {
    expect(namesIn(preset('rotten-tomatoes'))).toEqual({ 0: 'negative', 1: 'positive' })
    expect(namesIn(preset('{ preset: glue/rte, metrics: [accuracy] }'))).toEqual({
      0: 'entailment',
      1: 'not_entailment',
    })
    expect(namesIn(preset('{ preset: rotten-tomatoes, label_names: { 1: fresh } }'))).toEqual({
      0: 'negative',
      1: 'fresh',
    })
  })

  test('are not those of other rows, another column or other labels, where the same values may mean something else', () => {
    expect(namesIn(preset(`{ preset: rotten-tomatoes, train: ${rows} }`))).toBeUndefined()
    expect(namesIn(preset('rotten-tomatoes'), ...splits)).toBeUndefined()
    expect(namesIn(preset('{ preset: rotten-tomatoes, label: mood }'))).toBeUndefined()
    expect(namesIn(preset('{ preset: rotten-tomatoes, labels: { a: b, c: d } }'))).toBeUndefined()
    expect(namesIn(preset('rotten-tomatoes'), ...splits, 'task.label_names={0: no, 1: yes}')).toEqual({
      0: 'no',
      1: 'yes',
    })
  })

  // expected: the ClassLabel names of nyu-mll/glue and aps/super_glue, in the order of their ids
  const HUB: Record<string, string[]> = {
    'glue/cola': ['unacceptable', 'acceptable'],
    'glue/mnli': ['entailment', 'neutral', 'contradiction'],
    'glue/mrpc': ['not_equivalent', 'equivalent'],
    'glue/qnli': ['entailment', 'not_entailment'],
    'glue/qqp': ['not_duplicate', 'duplicate'],
    'glue/rte': ['entailment', 'not_entailment'],
    'glue/sst2': ['negative', 'positive'],
    'glue/wnli': ['not_entailment', 'entailment'],
    'superglue/cb': ['entailment', 'contradiction', 'neutral'],
    'superglue/copa': ['choice1', 'choice2'],
    'superglue/rte': ['entailment', 'not_entailment'],
  }
  // there the hub has False and True
  const TRUTH: Record<string, string[]> = {
    'superglue/boolq': ['no', 'yes'],
    'superglue/multirc': ['false', 'true'],
    'superglue/wic': ['different', 'same'],
    'superglue/wsc': ['no', 'yes'],
  }

  test.each(Object.entries({ ...HUB, ...TRUTH }))('%s are in the order of its targets', (name, expected) => {
    const { task } = loadExperiment('quickstart', [`task.preset=${name}`])
    expect(task).toMatchObject({
      label_names: Object.fromEntries(expected.map((name, id) => [id, name])),
      labels: Object.fromEntries(expected.map((_, id) => [id, String(id)])),
    })
  })

  test.each([
    ['glue/mnli', { premise: 'a', hypothesis: 'b' }],
    ['glue/qnli', { question: 'a', sentence: 'b' }],
    ['glue/rte', { sentence1: 'a', sentence2: 'b' }],
    ['superglue/cb', { premise: 'a', hypothesis: 'b' }],
    ['superglue/rte', { premise: 'a', hypothesis: 'b' }],
  ])('%s give each label of the official files the name that it has there', (name, texts) => {
    const { finish } = { ...GLUE, ...SUPERGLUE }[name]!
    for (const [id, label] of HUB[name]!.entries()) expect(finish({ ...texts, label }).label).toBe(String(id))
  })
})

describe('where only the rows show the labels', () => {
  const targets = async (...sets: string[]) => {
    const loaded = loadExperiment(experiment(''), sets)
    const { files, tokenizer } = await prepareBackbone(loaded, silent)
    try {
      return await readTargets(loaded.task, ['train'], { tokenizer, scoring: 'generate', note() {} })
    } finally {
      files.close()
    }
  }

  test('a name of a value that no row has is an error', async () => {
    await expect(targets('task.label_names={0: dull, 2: fair}')).rejects.toMatchObject({
      name: 'LabelMisfit',
      keys: ['task', 'label_names', '2'],
      message: "task.label_names.2: task.label_names names '2', which is not a label. Labels: 1, 0.",
      exitCode: 2,
    })
    expect((await targets('task.label_names={0: dull, 1: fine}')).labels).toEqual(['0', '1'])
  })
})

test('names change no tokens: those that are kept are taken', async () => {
  const told: string[] = []
  const progress = { ...silent, update: (text: string) => told.push(text) }
  for (const names of ['null', '{0: dull, 1: fine}', '{0: a, 1: b}']) {
    const loaded = loadExperiment(experiment(''), [`task.label_names=${names}`, `task.prompt="${folder} {text}"`])
    const backbone = await prepareBackbone(loaded, silent)
    const data = prepareData(loaded, backbone, progress)
    await data.split('train')
    data.close()
    backbone.files.close()
  }
  expect(told.filter((text) => text.endsWith('rows tokenised'))).toEqual(['3 rows tokenised'])
})

describe('a label is shown', () => {
  const task = { labels: { 0: 'not  good', 1: 'good' }, label_names: { 0: 'bad', 1: 'good' } }
  const names = namesAmong(task, ['good', 'not good', 'bad'])

  test.each([
    ['not good', 'bad (not good)'],
    [' not good ', 'bad (not good)'],
    ['good', 'good'],
    ['bad', 'bad'],
    ['toString', 'toString'],
  ])('%j as %j', (text, expected) => expect(shownLabel(text, names)).toBe(expected))

  test('by the name of its own target, where another differs only in white space', () => {
    const two = { labels: { 0: 'a b', 1: 'ab' }, label_names: { 0: 'apart', 1: 'together' } }
    const both = namesAmong(two, ['ab', 'a b'])
    expect(['a b', 'ab'].map((text) => shownLabel(text, both))).toEqual(['apart (a b)', 'together (ab)'])
  })
})
