import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Progress, silent } from '../../../src/base/progress.js'
import { evaluateRuns } from '../../../src/engine/evaluate/evaluate_run.js'
import { experimentYaml, loadExperiment } from '../../../src/experiment/load/load.js'
import type { Experiment } from '../../../src/experiment/schema.js'
import { onOtherTask } from '../../../src/run/other_task.js'
import { openTrainedRun } from '../../../src/run/trained_run.js'
import { encodedTask } from '../../../src/task/encoded.js'
import { makeRun } from '../../export/made_run.js'
import { smallExperiment } from '../../support/cli.js'
import { engines } from '../../support/engines.js'

const { folder: data, file: experiment } = smallExperiment({ steps: 2 })
const outside = mkdtempSync(join(tmpdir(), 'elsewhere-'))
const run = join(outside, 'run')
const halves = join(outside, 'halves')
afterAll(() => {
  for (const folder of [outside, data]) rmSync(folder, { recursive: true })
})

const rowsOf = (split: string) =>
  readFileSync(join(data, `${split}.jsonl`), 'utf8')
    .trim()
    .split('\n')
const own = ['train', 'validation', 'test'].map((split) => `task.${split}=${join(data, `${split}.jsonl`)}`)
beforeAll(async () => {
  await makeRun(run, 'method=bitfit', 'training.target_length=2', ...own)
  await makeRun(halves, 'method=bitfit', ...own, 'task.split=halves')
})

let notes: string[] = []
const heard: Progress = { ...silent, note: (text) => notes.push(text) }

async function evaluated(
  given: { task?: string; metrics?: string[]; sets?: string[] },
  folder = run,
  scoring: 'rank' | 'generate' = 'rank',
) {
  notes = []
  const options = { sets: [], allowChanged: false, split: 'test', scoring, ...given } as const
  const all = await evaluateRuns([folder], { ...options, engine: engines[0]!, threads: 1, progress: heard })
  return all.evaluated[0]!
}

const outputs = ({ predictions }: Awaited<ReturnType<typeof evaluated>>) => predictions.map(({ text }) => text)

test('a file gives the same as in task.test, and is reported not to be the run’s own rows', async () => {
  const file = join(outside, 'few.jsonl')
  writeFileSync(file, `${rowsOf('validation').slice(3, 12).join('\n')}\n`)
  const [named, set] = [await evaluated({ task: file }), await evaluated({ sets: [`task.test=${file}`] })]
  expect(named).toMatchObject({ otherTask: file, scores: set.scores, made: set.made })
  expect([outputs(named), outputs(named).length]).toEqual([outputs(set), 9])
  expect(set).not.toHaveProperty('otherTask')
})

describe('a task and a file that the run has itself are its own', () => {
  const other = join(outside, 'same.yaml')
  const { task, ...rest } = JSON.parse(readFileSync(experiment, 'utf8'))
  const at = (split: string) => join(data, `${split}.jsonl`)
  const files = { train: at('train'), validation: at('validation'), test: at('test') }
  const alike = { ...task, ...files, name: 'rotten-tomatoes', label_names: { 0: 'bad', 1: 'good' } }
  const otherwise = (given: object | string, split: 'train' | 'test' = 'test') => {
    if (typeof given === 'object') writeFileSync(other, JSON.stringify({ ...rest, task: { ...alike, ...given } }))
    const named = typeof given === 'object' ? other : given
    return onOtherTask(openTrainedRun(run), named, split).elsewhere?.given.replace(`${outside}/`, '')
  }

  test.each([
    ['its own file', at('test'), 'test', undefined],
    ['another file', at('validation'), 'test', at('validation')],
    ['the file of another split', at('test'), 'train', at('test')],
    ['its own task, with other names of labels', {}, 'test', undefined],
    ['its own task with a subset of the training rows', { subset: { size: 4 } }, 'test', undefined],
    ['the subset itself', { subset: { size: 4 } }, 'train', 'same.yaml'],
    ['another prompt', { prompt: 'film: {text}' }, 'test', 'same.yaml'],
    ['other rows', { test: at('validation') }, 'test', 'same.yaml'],
    ['other rows of another split', { validation: at('test') }, 'test', undefined],
    ['other texts for an encoder', { texts: ['{text}'] }, 'test', undefined],
  ] as const)('%s', (_, given, split, expected) => {
    expect(otherwise(given, split)).toBe(expected)
  })

  test('of an encoder, whose run notes texts and labels', () => {
    const { task, ...classify } = loadExperiment('classify')
    const encoder = join(outside, 'encoder')
    mkdirSync(encoder)
    const noted = { ...encodedTask(task), labels: { 0: '0', 1: '1' } }
    writeFileSync(join(encoder, 'experiment.yaml'), experimentYaml({ ...classify, task: noted } as Experiment))
    writeFileSync(join(encoder, 'best.safetensors'), '')
    const elsewhere = (task: string) => onOtherTask(openTrainedRun(encoder), task, 'test').elsewhere?.given
    expect([elsewhere('rotten-tomatoes'), elsewhere('glue/sst2')]).toEqual([undefined, 'glue/sst2'])
    for (const [name, kind] of [
      ['glue/stsb', 'regression'],
      ['invented-news', 'token_classification'],
    ] as const)
      expect(() => elsewhere(name)).toThrow(
        `--task ${name}: is of kind ${kind}, and the head of ${encoder} answers classification alone.`,
      )
  })

  test('and scored as without --task', async () => {
    const [named, own] = [await evaluated({ task: at('test') }), await evaluated({})]
    expect(named).toEqual(own)
    expect(notes.filter((note) => note.includes('new evaluation'))).toEqual([])
  })
})

test('all rows of a file are scored, whatever splits the run’s own', async () => {
  const file = join(data, 'validation.jsonl')
  const whole = await evaluated({ task: file }, halves)
  expect(notes).toContain(`${halves} on ${file}: a new evaluation, not of the run's own rows.`)
  expect(whole.examples.length).toBe(20)
  expect((await evaluated({}, halves)).examples.length).toBe(10)
})

test('a label that only the training rows have is one of a file’s too', async () => {
  const file = join(outside, 'one-label.csv')
  // biome-ignore format: one line
  const rows = rowsOf('test').map((line) => JSON.parse(line)).filter(({ label }) => Number(label) === 1)
  writeFileSync(file, `text,label\n${rows.map(({ text }) => `"${text.replaceAll('"', '""')}",1\n`).join('')}`)
  const { confusion } = await evaluated({ task: file, metrics: ['macro_f1'] })
  expect(confusion?.labels).toEqual(['0', '1'])
  expect(confusion?.counts[0]).toEqual([0, 0, 0])
})

test('another task has its own prompt, labels, scores and length of outputs', async () => {
  const other = join(outside, 'other.yaml')
  const { task, ...rest } = JSON.parse(readFileSync(experiment, 'utf8'))
  const files = {
    train: join(data, 'train.jsonl'),
    validation: join(data, 'validation.jsonl'),
    test: join(data, 'test.jsonl'),
  }
  const labels = { 0: 'a rather bad and tiresome film', 1: 'good' }
  const metrics = ['macro_f1', 'matthews']
  // biome-ignore format: one line
  writeFileSync(other, JSON.stringify({ ...rest, task: { ...task, ...files, name: 'other', prompt: 'film: {text}', labels, metrics } }))
  const ranked = await evaluated({ task: other })
  expect(ranked).toMatchObject({
    task: 'other',
    otherTask: other,
    confusion: { labels: ['a rather bad and tiresome film', 'good'] },
  })
  expect(Object.keys(ranked.scores)).toEqual(metrics)
  expect(ranked.examples[0]!.source).toMatch(/^film: /)
  const longest = async (given: { task?: string }) =>
    Math.max(...outputs(await evaluated(given, run, 'generate')).map((text) => text.length))
  expect(await longest({ task: other })).toBeGreaterThan(await longest({})) // of two tokens, as the run's own labels need
})

test('--metric scores the same outputs otherwise', async () => {
  const { scores, confusion } = await evaluated({ metrics: ['macro_f1', 'accuracy'] })
  const [[a, b], [c, d]] = confusion!.counts as [[number, number], [number, number]]
  const f1 = (right: number, wrong: number) => (right === 0 ? 0 : (2 * right) / (2 * right + wrong))
  expect(Object.keys(scores)).toEqual(['macro_f1', 'accuracy'])
  expect(scores.macro_f1).toBeCloseTo(50 * (f1(a, b + c) + f1(d, b + c)), 6)
  expect(scores.accuracy).toBeCloseTo((100 * (a + d)) / (a + b + c + d), 6)
})

test.each([
  [
    { metrics: ['macro-f1'] },
    '--metric macro-f1: rotten-tomatoes is of kind classification, which has no such score. Did you mean macro_f1? Scores: accuracy, f1,',
  ],
  [{ task: 'rows.csv' }, `--task rows.csv: there is no file ${join(process.cwd(), 'rows.csv')}.`],
  [
    { task: 'rotten-tomatos' },
    'rotten-tomatos: there is no such task, experiment or file. Did you mean rotten-tomatoes?',
  ],
  [
    { task: experiment, sets: [`task.test=${experiment}`] },
    `says which rows to score, and --set task.test=${experiment} does too. Keep one of the two.`,
  ],
])('refuses %j', async (given, message) => {
  await expect(evaluated(given)).rejects.toThrow(message)
})
