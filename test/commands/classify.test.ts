import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { compacter, start } from '../support/cli.js'
import { encoderRuns } from './encoder_runs.js'

const { path, one, run, lines, inPartsAndAtOnce } = encoderRuns()

const WORDS = ['film', 'story', 'actor', 'scene', 'music', 'joke']
/** Rows that differ in every column; their labels follow from the second one. */
const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    premise: `the ${WORDS[i % 6]} number ${i} was shown`,
    hypothesis: i % 3 === 0 ? 'it was good' : `it was ${i % 3 === 1 ? 'bad' : 'neither good nor bad'}`,
    label: ['yes', 'no', 'maybe'][i % 3],
    number: (i % 3) - 0.25,
    first: 'it was good',
    second: `it was bad ${i}`,
    right: i % 2,
  }))

const TASKS = {
  classification: { prompt: 'premise: {premise} hypothesis: {hypothesis}', metrics: ['accuracy', 'macro_f1'] },
  regression: { prompt: '{premise} {hypothesis}', label: 'number', metrics: ['mae'] },
  multiple_choice: { prompt: '{premise} {first} {second}', choices: ['first', 'second'], label: 'right' },
}

function experiment(kind: keyof typeof TASKS, training: object = {}, task: object = {}): string {
  writeFileSync(
    path('rows.jsonl'),
    rows(24)
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(''),
  )
  const file = path(`${kind}.yaml`)
  const files = { train: 'rows.jsonl', validation: 'rows.jsonl', test: 'rows.jsonl' }
  const settings = {
    steps: 4,
    batch_size: 8,
    warmup_steps: 1,
    evaluate_every: 2,
    source_length: 32,
    learning_rate: 0.003,
  }
  const whole = {
    name: kind,
    backbone: 'bert-nano',
    method: 'compacter',
    task: { kind, name: kind, ...files, ...TASKS[kind], ...task },
    training: { ...settings, ...training },
  }
  writeFileSync(file, stringify(whole))
  return file
}

describe('an encoder', () => {
  test.each(Object.keys(TASKS) as (keyof typeof TASKS)[])('has a sweep of %s that can grow', async (kind) => {
    const file = path(`${kind}-sweep.yaml`)
    const swept = (seeds: number[]) => {
      writeFileSync(file, stringify({ experiment: experiment(kind), axes: { 'training.seed': seeds } }))
      return compacter(['sweep', 'run', file, '--dir', path(`${kind}-sweep`)])
    }
    for (const seeds of [[0], [0, 1]]) {
      const { code, stderr } = await swept(seeds)
      expect([code, stderr]).toEqual([0, expect.any(String)])
    }
  })

  test('refuses label smoothing over choices', async () => {
    const file = experiment('multiple_choice', { label_smoothing: 0.1 })
    const { code, stderr } = await compacter(['train', file, '--run-dir', path('smoothed')])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/training\.label_smoothing: is 0\.1, which an encoder/)])
  })

  test('trains a head for labels of pairs that the rows name, and eval and predict use it', async () => {
    const result = JSON.parse(
      (await run('train', experiment('classification'), '--run-dir', path('labels'), '--json')).stdout,
    )
    // the head: a matrix [3, 256] and a bias [3]
    const counted = JSON.parse(
      (await compacter(['params', 'report', '--backbone', 'bert-nano', '--method', 'compacter', '--format', 'json']))
        .stdout,
    )
    expect(result.head_parameters).toBe(3 * 256 + 3)
    expect(result.trained_parameters).toBe(counted[0].trained_parameters + result.head_parameters)
    const { task } = parse(readFileSync(path('labels/experiment.yaml'), 'utf8'))
    expect([task.labels, task.texts]).toEqual([{ maybe: 'maybe', no: 'no', yes: 'yes' }, ['{premise}', '{hypothesis}']])
    const evaluated = JSON.parse(
      (await run('eval', path('labels'), '--json', '--predictions', path('labels.jsonl'), '--split', 'test')).stdout,
    )
    expect(evaluated.runs[0].scores).toEqual(result.test)
    const predicted = lines('labels.jsonl')
    expect(predicted[0]).toMatchObject({ source: 'the film number 0 was shown', second: 'it was good', target: 'yes' })
    for (const { scores, prediction } of predicted) {
      const likelihoods = Object.values<number>(scores)
      expect(likelihoods.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 5)
      expect(scores[prediction]).toBe(Math.max(...likelihoods))
    }
    await run('predict', path('labels'), '--input', path('rows.jsonl'), '--output', path('predicted.jsonl'))
    expect(lines('predicted.jsonl').map(({ prediction }) => prediction)).toEqual(
      predicted.map(({ prediction }) => prediction),
    )
  })

  test('continues to the same bits', async () => {
    const file = experiment('classification', { steps: 6, evaluate_every: 3, checkpoint_every: 3 })
    expect((await run('train', file, '--run-dir', path('whole'))).stdout).toMatch(
      /validation loss │ \d\.\d+ nats per row/,
    )
    const own = { evaluate_every: 3, checkpoint_every: 3, schedule: 'constant' }
    const [parts, whole] = await inPartsAndAtOnce((steps) => experiment('classification', { ...own, steps }))
    expect(parts).toEqual(whole)
  })

  test('that is killed continues to the same bits', async () => {
    const file = experiment('classification', { steps: 60, evaluate_every: 60, checkpoint_every: 4, dropout: 0.1 })
    const { process: child, ended } = start(['train', file, '--run-dir', path('killed'), ...one])
    const metrics = path('killed/metrics.jsonl')
    const steps = () => (existsSync(metrics) ? readFileSync(metrics, 'utf8').split('\n').length - 1 : 0)
    let over = false
    void ended.then(() => (over = true))
    while (steps() < 6 && !over) await new Promise((done) => setTimeout(done, 5))
    child.kill('SIGKILL')
    await ended
    expect(existsSync(path('killed/result.json'))).toBe(false)
    const resumed = await compacter(['train', file, '--run-dir', path('killed'), '--resume', ...one])
    expect(resumed.stderr).toMatch(/resumed after step \d+/)
    await run('train', file, '--run-dir', path('not-killed'))
    expect(readFileSync(path('killed/last.safetensors'))).toEqual(readFileSync(path('not-killed/last.safetensors')))
  })

  test('learns numbers and puts them out as they are', async () => {
    const result = JSON.parse(
      (await run('train', experiment('regression'), '--run-dir', path('numbers'), '--json')).stdout,
    )
    await run('eval', path('numbers'), '--predictions', path('numbers.jsonl'))
    const predicted = lines('numbers.jsonl')
    expect(predicted.map(({ target }) => target).slice(0, 3)).toEqual(['-0.25', '0.75', '1.75'])
    const off = predicted.map(({ target, prediction }) => Math.abs(Number(target) - Number(prediction)))
    expect(result.test.mae).toBeCloseTo(off.reduce((sum, one) => sum + one) / off.length, 6)
  })

  test('chooses among the choices of each row', async () => {
    const result = JSON.parse(
      (await run('train', experiment('multiple_choice'), '--run-dir', path('choices'), '--json')).stdout,
    )
    await run('eval', path('choices'), '--predictions', path('choices.jsonl'))
    const predicted = lines('choices.jsonl')
    const right = predicted.filter(({ target, prediction }) => target === prediction).length
    expect(result.test.accuracy).toBeCloseTo((100 * right) / predicted.length, 6)
    expect(Object.keys(predicted[1].scores)).toEqual(['it was good', 'it was bad 1'])
  })

  test.each([
    [{}, { kind: 'text', target: 'label', metrics: undefined }, /task\.kind: is text, but the backbone is an encoder/],
    [{ source_length: 300 }, {}, /training\.source_length: is 300; the backbone has positions for 256 tokens\./],
  ])('refuses what it can’t do: %j %j', async (training, task, message) => {
    const { code, stderr } = await compacter([
      'train',
      experiment('classification', training, task),
      '--run-dir',
      path('no'),
    ])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) })
  })
})
