import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CompareOptions, compareRuns } from '../../src/compare/compare.js'
import type { AnsweredRow } from '../../src/compare/scores/scored_rows.js'
import { runFiles } from '../../src/run/directory.js'
import { mcnemar } from '../../src/statistics/mcnemar.js'
import { newFolder, writeRun } from '../report/runs.js'
import { writeAnsweredRun } from './made_runs.js'

const folder = newFolder()
const path = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const ROWS = 200
/** Answers of which the rows in [from, to) are wrong. */
const wrongIn = (...ranges: [from: number, to: number][]): AnsweredRow[] =>
  Array.from({ length: ROWS }, (_, i) => {
    const target = String(i % 2)
    const wrong = ranges.some(([from, to]) => i >= from && i < to)
    return { label: target, target, prediction: wrong ? String(1 - (i % 2)) : target }
  })
const METHODS = {
  good: [[0, 30]],
  close: [
    [0, 28],
    [100, 106],
  ],
  bad: [[20, 90]],
} as Record<string, [number, number][]>
const rateOf = (method: string) => 0.001 * (1 + Object.keys(METHODS).indexOf(method))
const compare = (runs: string[], options: Partial<CompareOptions> = {}) =>
  compareRuns(runs.map(path), { split: 'test', level: 0.95, by: 'method', ...options })

beforeAll(() => {
  for (const [method, wrong] of Object.entries(METHODS))
    for (const seed of [1, 2, 3])
      writeAnsweredRun(path(`${method}-${seed}`), wrongIn(...wrong, [195 + seed, 196 + seed]), {
        sets: [`training.learning_rate=${rateOf(method)}`, `training.seed=${seed}`],
      })
})

describe('single runs', () => {
  test('differ by what McNemar makes of the rows that only one of them has right', () => {
    const { comparisons, ...found } = compare(['good-1', 'bad-1'])
    expect(found).toMatchObject({ split: 'test', rows: 200, units: 200, level: 0.95, resamples: 2000 })
    const [only] = comparisons
    expect(only).toMatchObject({ metric: 'accuracy', difference: 20, test: 'mcnemar', verdict: 'better' })
    expect(only!.scores).toEqual([84.5, 64.5])
    expect(only!.mcnemar).toEqual({ only_method: 60, only_against: 20, mid_p: mcnemar(60, 20).mid })
    expect(only!.p).toBe(mcnemar(60, 20).exact)
    expect(only!.p_corrected).toBe(only!.p)
    // the difference of paired shares: its standard error is √(80 − 40² / 200) / 200
    const error = (100 * Math.sqrt(80 - 40 ** 2 / 200)) / 200
    expect(only!.interval![0]).toBeCloseTo(20 - 1.96 * error, -0.3)
    expect(only!.interval![1]).toBeCloseTo(20 + 1.96 * error, -0.3)
    expect(only!.smallest_difference! / (2.8016 * error)).toBeCloseTo(1, 1)
  })

  test('that hardly differ show nothing, and the sentence says so with what would be found', () => {
    const [only] = compare(['good-1', 'close-1']).comparisons
    expect(only!.verdict).toBe('none')
    expect(only!.claim).toMatch(
      /^No difference can be claimed between .+ and .+ in accuracy: 84\.50 against 82\.50, p = 0\.289\. With these 200 rows, a true difference of \d\.\d\d is found four times in five\.$/,
    )
  })

  test('give the same numbers every time', () => {
    expect(compare(['good-1', 'close-1', 'bad-1'])).toEqual(compare(['good-1', 'close-1', 'bad-1']))
  })

  test('with the same answers have no interval, and six rows are the least that could show something', () => {
    const same = writeAnsweredRun(path('same'), wrongIn(...METHODS.good!, [196, 197]), { sets: ['training.steps=41'] })
    const [only] = compare(['good-1', 'same']).comparisons
    expect(only).toMatchObject({ difference: 0, interval: [0, 0], p: 1, smallest_difference: 3, verdict: 'none' })
    expect(only!.claim).toContain(
      'both score 84.50, and no row tells them apart. With these 200 rows, a true difference of 3.00',
    )
    rmSync(same, { recursive: true })
  })

  test('of one row have no interval', () => {
    for (const [i, name] of ['one', 'another'].entries())
      writeAnsweredRun(path(name), wrongIn([0, i]).slice(0, 1), { sets: [`training.steps=${50 + i}`] })
    const [only] = compare(['one', 'another']).comparisons
    expect(only).toMatchObject({ difference: 100, interval: null, p: 1, verdict: 'none' })
    expect(only!.claim).toContain('in accuracy: a single row says nothing of others.')
  })

  test('are corrected by Holm over pairs and metrics, in the order of the runs', () => {
    const { comparisons } = compare(['good-1', 'close-1', 'bad-1'], { metrics: ['accuracy', 'f1'] })
    expect(comparisons).toHaveLength(6)
    expect(comparisons.map(({ metric }) => metric)).toEqual(['accuracy', 'accuracy', 'accuracy', 'f1', 'f1', 'f1'])
    expect(comparisons[3]!.test).toBe('randomisation')
    const least = Math.min(...comparisons.map(({ p }) => p))
    expect(comparisons.find(({ p }) => p === least)!.p_corrected).toBeCloseTo(6 * least, 12)
    expect(comparisons[0]!.method).toBe(compare(['good-1', 'bad-1']).comparisons[0]!.method)
  })

  test('are each compared with the baseline, wherever it is named', () => {
    for (const runs of [
      ['close-1', 'bad-1'],
      ['close-1', 'bad-1', 'good-1'],
    ]) {
      const { comparisons } = compare(runs, { baseline: path('good-1') })
      expect(comparisons.map(({ verdict }) => verdict)).toEqual(['none', 'worse'])
      expect(comparisons.map(({ difference }) => difference)).toEqual([-2, -20])
    }
  })
})

test('of errors less is better, and answers are compared with the numbers before they were rounded', () => {
  for (const [name, error] of Object.entries({ near: 0.1, far: 1 }))
    writeAnsweredRun(
      path(name),
      Array.from({ length: 60 }, (_, i) => {
        const value = 1 + (i % 7) / 3
        const prediction = (value + error * (i % 2 === 0 ? 1 : -1) * (1 + (i % 5) / 10)).toFixed(3)
        return { label: String(value), target: name === 'near' ? value.toFixed(1) : String(value), prediction }
      }),
      { sets: ['task=glue/stsb', `training.learning_rate=${error / 10}`] },
    )
  const [mae] = compare(['near', 'far'], { metrics: ['mae'] }).comparisons
  expect(mae).toMatchObject({ metric: 'mae', test: 'randomisation', verdict: 'better' })
  expect(mae!.difference).toBeCloseTo(-1.08, 2) // 0.9 times the mean of 1, 1.1, … 1.4
  expect(mae!.interval![1]).toBeLessThan(-1)
})

describe('methods', () => {
  const all = ['good', 'bad'].flatMap((method) => [1, 2, 3].map((seed) => `${method}-${seed}`))

  test('are the runs that differ in seeds, tested over seeds and rows', () => {
    const { methods, comparisons } = compare(all)
    expect(methods.map(({ runs }) => runs.length)).toEqual([3, 3])
    expect(methods[0]!.scores).toEqual({ accuracy: [84.5, 84.5, 84.5] })
    expect(comparisons).toHaveLength(1)
    expect(comparisons[0]).toMatchObject({ test: 'seeds_and_rows', difference: 20, verdict: 'better' })
    expect(comparisons[0]).not.toHaveProperty('mcnemar')
  })

  test('whose seeds vary more than the difference show nothing, though every row counts', () => {
    const wrong = [10, 60, 100]
    for (const [i, to] of wrong.entries())
      writeAnsweredRun(path(`wild-${i}`), wrongIn([0, to]), {
        sets: ['training.learning_rate=0.1', `training.seed=${i}`],
      })
    const runs = [...wrong.keys()].map((i) => `wild-${i}`)
    const { comparisons } = compare([...runs, 'good-1', 'good-2', 'good-3'])
    expect(comparisons[0]!.verdict).toBe('none')
    expect(comparisons[0]!.interval![0]).toBeLessThan(-40) // three seeds: Student's t of two degrees is 4.3
    const single = compare(['wild-2', 'good-1']).comparisons[0]!
    expect(single.verdict).toBe('worse')
  })

  test('can be compared run by run', () => {
    expect(() => compare(all.slice(0, 3))).toThrow(
      'differ only in their seeds: they are one method. Add the runs of another, or compare them one by one with --by run.',
    )
    expect(compare(all.slice(0, 3), { by: 'run' }).comparisons).toHaveLength(3)
  })
})

describe('refused are', () => {
  const message = (runs: string[], options: Partial<CompareOptions> = {}): string => {
    try {
      compare(runs, options)
    } catch (error) {
      return (error as Error).message.replaceAll(`${folder}/`, '')
    }
    throw new Error('nothing was refused')
  }
  const rows = wrongIn([0, 10])
  const other = (name: string, values: Parameters<typeof writeAnsweredRun>[2], own = rows) => {
    writeAnsweredRun(path(name), own, { sets: ['training.steps=60'], ...values })
    return message(['good-1', name])
  }

  test('other rows, whatever is other about them', () => {
    expect(other('file', { sha256: '44'.repeat(32), manifest: { data_sha256: { test: '44'.repeat(32) } } })).toBe(
      'file: its test rows have the SHA-256 444444444444…, and those of good-1 333333333333…. Compare runs that have answered the same file.',
    )
    expect(other('fewer', {}, rows.slice(0, 150))).toBe(
      'fewer: has answered 150 test rows, and good-1 200. Let both answer all of them: compacter eval fewer --predictions fewer/predictions/test.jsonl --force.',
    )
    expect(other('later', { firstRow: 2 })).toBe(
      'later: its answer 1 is to line 2 of the file, and that of good-1 to line 1. Compare runs whose tasks split the file in the same way.',
    )
    expect(other('label', {}, [{ ...rows[0]!, label: '7' }, ...rows.slice(1)])).toBe(
      'label: its answer 1 is to line 1 with another label or group than in good-1. Compare runs whose tasks split the file in the same way.',
    )
    expect(
      other(
        'form',
        {},
        rows.map((row) => ({ ...row, target: `is ${row.target}` })),
      ),
    ).toBe(
      "form: wants the output 'is 0' for line 1, and good-1 wants '0'. Compare runs whose tasks write labels alike (task.labels).",
    )
  })

  test('a run of an earlier version, with the command that writes its answers', () => {
    writeRun(path('earlier'))
    expect(message(['good-1', 'earlier'])).toBe(
      'earlier: has no answers to the test rows: an earlier version trained it. Write them with `compacter eval earlier --predictions earlier/predictions/test.jsonl`.',
    )
    expect(message(['good-1', 'earlier'], { split: 'validation' })).toBe(
      'good-1: has no answers to the validation rows: an earlier version trained it. Write them with `compacter eval good-1 --split validation --predictions good-1/predictions/validation.jsonl`.',
    )
    writeRun(path('unfinished'), { finished: false })
    expect(message(['good-1', 'unfinished'])).toBe(
      'unfinished: is not finished. Finish it with `compacter train --resume unfinished`.',
    )
  })

  test('answers of other tensors, and a file that was changed', () => {
    writeAnsweredRun(path('moved'), rows)
    writeFileSync(path('moved/best.safetensors'), 'other tensors')
    expect(message(['good-1', 'moved'])).toMatch(
      /^moved\/predictions\/test\.jsonl: was made with trained tensors of SHA-256 cdcdcdcdcdcd…; the run's is [\da-f]{12}…\. Write the run's own: compacter eval moved --predictions moved\/predictions\/test\.jsonl --force\.$/,
    )
    appendFileSync(runFiles(writeAnsweredRun(path('changed'), rows)).testPredictions, '{}\n')
    expect(message(['good-1', 'changed'])).toContain(
      'changed/predictions/test.jsonl: was changed after it was written.',
    )
  })

  test('one run, a run twice, and a folder that is not a run', () => {
    expect(message(['good-1', 'good-1'])).toBe('good-1: is a single run. Name another one to compare it with.')
    writeAnsweredRun(path('again'), rows, { sets: ['training.learning_rate=0.001', 'training.seed=1'] })
    expect(message(['good-1', 'again', 'bad-1'])).toBe(
      'again: has the settings and the seeds of good-1: it is the same training again. Leave one of them out, or compare them one by one with --by run.',
    )
    writeAnsweredRun(path('sweep/a'), rows)
    writeAnsweredRun(path('sweep/b'), rows)
    expect(message(['sweep'])).toBe(
      'sweep: is not a run: it has no experiment.yaml, but holds 2 runs. Name them: sweep/*.',
    )
    expect(message(['good-1', 'sweep'])).toContain('sweep: is not a run: it has no experiment.yaml, but holds 2 runs.')
    expect(message(['nowhere'])).toContain('nowhere: there is no such folder.')
    mkdirSync(path('empty'))
    expect(message(['good-1', 'empty'])).toContain('empty: is not a run: it has no experiment.yaml')
  })

  test('a score that the task does not have', () => {
    expect(message(['good-1', 'bad-1'], { metrics: ['pearson'] })).toBe(
      '--metric pearson: rotten-tomatoes is of kind classification, which has no such score. Scores: accuracy, f1, macro_f1, matthews.',
    )
  })

  test('scores of groups where the task has none', () => {
    for (const metric of ['f1a', 'group_exact_match'])
      expect(message(['good-1', 'bad-1'], { metrics: [metric] })).toBe(
        `--metric ${metric}: rotten-tomatoes has no groups of rows (task.group), and this is a score of groups. Scores: accuracy, f1, macro_f1, matthews.`,
      )
    for (const [i, name] of ['grouped', 'grouped-too'].entries())
      writeAnsweredRun(
        path(name),
        wrongIn([0, 10]).map((row, at) => ({ ...row, group: String(at % 50) })),
        { sets: ['task.group=text', `training.steps=${70 + i}`] },
      )
    const { comparisons } = compare(['grouped', 'grouped-too'], { metrics: ['f1a', 'group_exact_match'] })
    expect(comparisons.map(({ metric }) => metric)).toEqual(['f1a', 'group_exact_match'])
  })
})
