import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { loadCheckpoint } from '../../src/engine/model/checkpoint.js'
import { adam } from '../../src/engine/optimizer/adam.js'
import { truncateMetrics } from '../../src/run/log/metrics_log.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { writeRun } from '../report/runs.js'

const outside = mkdtempSync(join(tmpdir(), 'damaged-'))
afterAll(() => rmSync(outside, { recursive: true }))

let folder: string
beforeEach(() => {
  folder = writeRun(mkdtempSync(join(outside, 'run-')))
  writeFileSync(join(folder, 'best.safetensors'), '')
})

const cut = (name: string, left: number) => {
  const file = join(folder, name)
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, left))
}

/** What is wrong, without the folder. */
const complaint = (work: () => unknown): string => {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return `${error}`.replaceAll(`${folder}/`, '')
  }
}

describe('a run whose files are cut is one error that names the file and the place', () => {
  test('manifest.json', () => {
    cut('manifest.json', 41)
    expect(complaint(() => openTrainedRun(folder))).toBe(
      'DamagedFile: manifest.json:1:42: is damaged: it is cut short. Restore it from a copy; if you delete it, nothing checks that backbone and data are still those of the run.',
    )
  })

  test('result.json', () => {
    cut('result.json', 30)
    expect(complaint(() => openTrainedRun(folder))).toBe(
      'DamagedFile: result.json:1:31: is damaged: it is cut short. Restore it from a copy.',
    )
    mkdirSync(join(folder, 'checkpoint'))
    writeFileSync(join(folder, 'checkpoint', 'state.safetensors'), '')
    expect(complaint(() => openTrainedRun(folder))).toBe(
      'DamagedFile: result.json:1:31: is damaged: it is cut short. Delete it, then resume the training: that writes it again.',
    )
  })

  test('a manifest.json of something else', () => {
    writeFileSync(join(folder, 'manifest.json'), '{\n  "name": "app",\n  "display": "standalone"\n}\n')
    expect(complaint(() => openTrainedRun(folder))).toMatch(
      /^DamagedFile: manifest\.json: is damaged: compacter: Invalid input: expected string, received undefined\. /,
    )
  })

  test('experiment.yaml, in the middle of a value that is a value still', () => {
    const text = readFileSync(join(folder, 'experiment.yaml'), 'utf8')
    const at = text.indexOf('learning_rate: 0.003') + 'learning_rate: 0.0'.length
    cut('experiment.yaml', at)
    const line = text.slice(0, at).split('\n').length
    expect(complaint(() => openTrainedRun(folder))).toBe(
      `ExperimentError: experiment.yaml:${line}: is damaged: the last line has no end, so it may be cut short. Restore it; if nothing is missing, put a line break at its end.`,
    )
  })
})

test('a damaged line in the middle of metrics.jsonl is reported, and the log is unchanged', () => {
  const file = join(folder, 'metrics.jsonl')
  const lines = readFileSync(file, 'utf8').split('\n')
  lines[4] = lines[4]!.slice(0, 12)
  writeFileSync(file, lines.join('\n'))
  expect(complaint(() => truncateMetrics(file, 20))).toBe(
    'DamagedFile: metrics.jsonl:5:13: is damaged: it is cut short. Take the line out, or put in what is missing.',
  )
  lines[4] = '{"loss": 1}'
  writeFileSync(file, lines.join('\n'))
  expect(complaint(() => truncateMetrics(file, 20))).toBe(
    'DamagedFile: metrics.jsonl:5: is damaged: it has no step. Take the line out, or put in what is missing.',
  )
  expect(readFileSync(file, 'utf8')).toBe(lines.join('\n'))
})

describe('of metrics.jsonl a resumed run', () => {
  let file: string
  let lines: string[]
  let said: string[]
  beforeEach(() => {
    file = join(folder, 'metrics.jsonl')
    lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    said = []
  })
  const kept = (text: string, step: number): string[] => {
    writeFileSync(file, text)
    truncateMetrics(file, step, (text) => said.push(text))
    const read = readFileSync(file, 'utf8')
    expect(read.endsWith('\n')).toBe(true)
    return read.split('\n').slice(0, -1)
  }
  const upTo10 = () => lines.slice(0, 11) // 10 steps and an evaluation

  test('keeps what was logged up to its step, and a last line without a line break', () => {
    expect(kept(`${lines.join('\n')}\n`, 10)).toEqual(upTo10())
    expect(kept(upTo10().join('\n'), 10)).toEqual(upTo10())
    expect(said).toEqual([])
  })

  test('drops what comes after its step, damaged or not', () => {
    const damaged = [...lines.slice(0, 12), '\u0000\u0000', lines[13]!.slice(0, 9), lines[14]]
    expect(kept(`${damaged.join('\n')}\n`, 10)).toEqual(upTo10())
    expect(said).toEqual([])
  })

  test('says which steps have no figures', () => {
    const without = (...gone: number[]) => upTo10().filter((_, i) => !gone.includes(i))
    expect(kept(`${without(3).join('\n')}\n`, 10)).toEqual(without(3))
    kept(`${without(2, 7, 8).join('\n')}\n`, 10)
    rmSync(file)
    truncateMetrics(file, 10, (text) => said.push(text))
    const gap = 'The steps were taken; their curves have a gap.'
    expect(said).toEqual([
      `${file}: has no figures of step 4. ${gap}`,
      `${file}: has no figures of 3 steps, the first is step 3. ${gap}`,
      `${file}: has no figures of 10 steps, the first is step 1. ${gap}`,
    ])
  })
})

test('a last line of metrics.jsonl that a kill cut short is dropped', () => {
  const file = join(folder, 'metrics.jsonl')
  const [first, second] = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, `${first}\n${second}\n{"step":3,"lo`)
  truncateMetrics(file, 1)
  expect(readFileSync(file, 'utf8')).toBe(`${first}\n`)
})

test.each([
  ['no state', {}, 'state'],
  ['no JSON', { state: '{"step": ' }, 'state'],
  ['no step', { state: '{"evaluatedStep": 0, "seconds": 1}' }, 'state.step'],
  [
    'a best score without its step',
    { state: '{"step": 3, "evaluatedStep": 0, "seconds": 1, "best": {}}' },
    'state.best.step',
  ],
])('a checkpoint whose metadata has %s', (_, metadata, key) => {
  const file = join(folder, 'state.safetensors')
  const values = { shape: [2], data: Float32Array.of(1, 2) }
  writeSafetensors(
    file,
    ['vector', 'first', 'second'].map((name) => [name, values] as const),
    metadata,
  )
  expect(complaint(() => loadCheckpoint(file, { specs: [], sizes: [], size: 2 }, adam))).toBe(
    `DamagedFile: state.safetensors: is damaged: its metadata has no valid ${key}. It is not a checkpoint of a training run. Restore it, or start a new run with --run-dir.`,
  )
})

test('a run of a version that noted workers opens unchanged', () => {
  const file = join(folder, 'experiment.yaml')
  const text = readFileSync(file, 'utf8')
  const noted = '  workers:\n    - 127.0.0.1:7222\n  on_worker_lost: stop\n'
  const older = text.replace('training:\n', `training:\n${noted}`)
  expect(older).toContain(noted)
  writeFileSync(file, older)
  const { experiment } = openTrainedRun(folder)
  expect(experiment.training).not.toHaveProperty('on_worker_lost')
  writeFileSync(file, text)
  expect(experiment).toEqual(openTrainedRun(folder).experiment)
})
