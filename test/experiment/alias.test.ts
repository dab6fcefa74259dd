import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readYaml } from '../../src/base/yaml/source.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { loadSweep } from '../../src/sweep/plan/load.js'

const folder = mkdtempSync(join(tmpdir(), 'alias-'))

const file = (text: string): string => {
  const path = join(folder, 'trial.yaml')
  writeFileSync(path, text)
  return path
}

/** The message, with the file as FILE, and the exit code. */
function complaint(load: () => unknown): string {
  try {
    load()
  } catch (error) {
    const { message, exitCode } = error as Error & { exitCode?: number }
    return `${message.replaceAll(join(folder, 'trial.yaml'), 'FILE')} (${exitCode})`
  }
  return 'no error'
}

const good = 'backbone: t5-nano\nmethod: bitfit\ntask: rotten-tomatoes\n'
const unknown = 'not valid YAML: the alias *common has no anchor &common before it.'

/** 9 + 9² + … values in so many lines. */
const bomb = (lines: number) =>
  Array.from({ length: lines }, (_, i) => `a${i}: &a${i} [${Array(9).fill(i === 0 ? 'x' : `*a${i - 1}`)}]\n`).join('')

describe('an alias that cannot be read is reported at its place', () => {
  test.each([
    ['without an anchor', 'training: *common\n', `FILE:4:11: ${unknown} (2)`],
    ['before its anchor', 'training: { steps: *common }\nmore: &common 1\n', `FILE:4:20: ${unknown} (2)`],
    [
      'within what it names',
      'training: &common { steps: *common }\n',
      'FILE:4:28: not valid YAML: the alias *common is inside &common itself. (2)',
    ],
    [
      'of more values than memory has',
      bomb(30),
      'FILE:8:10: not valid YAML: with the alias *a3 aliases expand to 15670 values; at most 10000 are read. (2)',
    ],
  ])('%s, in an experiment', (_, more, expected) => {
    expect(complaint(() => loadExperiment(file(good + more)))).toBe(expected)
  })

  test('in a sweep', () => {
    const sweep = 'experiment: quickstart\naxes: { training.seed: *common }\n'
    expect(complaint(() => loadSweep(file(sweep)))).toBe(`FILE:2:24: ${unknown} (2)`)
  })

  test('in --set, of an experiment and of a sweep', () => {
    const expected =
      '--set task.prompt=*x: the value is not valid YAML: the alias *x has no anchor &x before it. Quote it. (2)'
    expect(complaint(() => loadExperiment('quickstart', ['task.prompt=*x']))).toBe(expected)
    const sweep = file('experiment: quickstart\naxes: { training.seed: [0, 1] }\n')
    expect(complaint(() => loadSweep(sweep, ['task.prompt=*x']))).toBe(expected)
  })

  test('in a preset', () => {
    expect(complaint(() => readYaml(file('kind: bitfit\nlearning_rate: *common\n')))).toBe(`FILE:2:16: ${unknown} (2)`)
  })
})

test('aliases of anchors before them are read, as many as one likes', () => {
  const training = `training: &common { steps: &steps 7, warmup_steps: *steps }\n`
  expect(loadExperiment(file(good + training)).training).toMatchObject({ steps: 7, warmup_steps: 7 })
  const cells = Array.from(
    { length: 300 },
    (_, i) => `  - { training.seed: ${i}, method: ${i ? '*method' : '&method { preset: compacter }'} }\n`,
  )
  expect(loadSweep(file(`experiment: quickstart\ncells:\n${cells.join('')}`)).cells).toHaveLength(300)
  expect(readYaml(file('a: &a [1, 2]\nb: &b [*a, *a]\na2: &a 3\nc: [*a, *b]\n'))).toEqual({
    a: [1, 2],
    b: [
      [1, 2],
      [1, 2],
    ],
    a2: 3,
    c: [
      3,
      [
        [1, 2],
        [1, 2],
      ],
    ],
  })
})
