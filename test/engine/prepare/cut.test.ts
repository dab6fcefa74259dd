import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { prepareData } from '../../../src/engine/prepare/data.js'
import { prepareBackbone } from '../../../src/engine/prepare/prepare.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { cutTally } from '../../../src/task/tokens/cut.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-cut-'))
const words = (count: number) => Array.from({ length: count }, () => 'film').join(' ') // a token each

const rows = (name: string, lengths: [number, number][]) => {
  const lines = lengths.map(([text, target]) => JSON.stringify({ text: words(text), target: words(target) }))
  writeFileSync(join(folder, name), lines.join('\n'))
}

const experiment = (training: string) => {
  const file = join(folder, 'cut.yaml')
  writeFileSync(
    file,
    `backbone: t5-nano
method: bitfit
task: { kind: text, name: cut, train: train.jsonl, validation: validation.jsonl, split: halves, prompt: '{text}' }
training: { steps: 1, ${training} }
`,
  )
  return loadExperiment(file)
}

rows('train.jsonl', [
  [7, 2],
  [8, 3],
  [20, 4],
  [1, 1],
])
rows('validation.jsonl', [
  [30, 1],
  [2, 1],
]) // randperm(2, 42) puts either into one half

/** Warnings while a split is made ready, the first time and from the cache. */
async function warnings(split: 'train' | 'validation' | 'test', training: string): Promise<string[]> {
  const lines: string[] = []
  const progress = { ...silent, warn: (line: string) => void lines.push(line) }
  const opened = await prepareBackbone(experiment(training), progress)
  for (let time = 0; time < 2; time++) {
    const data = prepareData(experiment(training), opened, progress)
    await data.split(split)
    data.close()
  }
  opened.files.close()
  const [first, second] = [lines.slice(0, lines.length / 2), lines.slice(lines.length / 2)]
  expect(second).toEqual(first)
  return first
}

test('rows that are cut are counted, with the longest and the key, also from the cache', async () => {
  expect(await warnings('train', 'source_length: 8, target_length: 4')).toEqual([
    '2 of 4 sources of train are longer than training.source_length (8 tokens) and are cut there; the longest has 21.',
    '1 of 4 targets of train is longer than training.target_length (4 tokens) and is cut there; the longest has 5.',
  ])
  expect(await warnings('train', 'source_length: 21')).toEqual([])
})

test('each split counts its own rows', async () => {
  const told = [await warnings('validation', 'source_length: 8'), await warnings('test', 'source_length: 8')].flat()
  expect(told).toEqual([
    expect.stringMatching(
      /^1 of 1 sources of (validation|test) is longer than training\.source_length \(8 tokens\) and is cut there; the longest has 31\.$/,
    ),
  ])
})

test('of texts far beyond the limit it says that they have more', () => {
  const tally = cutTally(128)
  tally.add([12, 128, 129, -1500])
  tally.add([1400])
  expect(tally.line('sources', 'the key')).toBe(
    '3 of 5 sources are longer than the key (128 tokens) and are cut there; the longest has 1,500 or more.',
  )
  expect(cutTally(128).line('sources', 'the key')).toBeUndefined()
})
