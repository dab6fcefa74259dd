import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { packageRoot } from '../../src/base/root.js'
import { entityScores, scoreTags, TAG_METRICS } from '../../src/task/metrics/entities.js'
import { compacter } from '../support/cli.js'
import { encoderRuns } from './encoder_runs.js'

const { path, run, lines, inPartsAndAtOnce } = encoderRuns()
const news = (split: string) => join(packageRoot, 'configs/tasks/invented-news', `${split}.conll`)

/** The first sentences of a bundled file. */
function sentences(split: string, count: number): string {
  const all = readFileSync(news(split), 'utf8').split('\n\n')
  return `${all.slice(0, count).join('\n\n')}\n`
}

function experiment(training: object = {}, task: object = {}, backbone = 'bert-nano'): string {
  writeFileSync(path('train.conll'), sentences('train', 60))
  writeFileSync(path('test.conll'), sentences('test', 20))
  const file = path('tag.yaml')
  const settings = {
    steps: 6,
    batch_size: 8,
    warmup_steps: 1,
    evaluate_every: 3,
    source_length: 32,
    learning_rate: 0.01,
  }
  const files = { train: 'train.conll', validation: 'test.conll', test: 'test.conll' }
  const whole = {
    name: 'tag',
    backbone,
    method: 'compacter',
    task: { kind: 'token_classification', name: 'tags', ...files, metrics: TAG_METRICS, ...task },
    training: { ...settings, ...training },
  }
  writeFileSync(file, stringify(whole))
  return file
}

const tags = (text: string) => text.split(' ')

test('the bundled sentences are what the script writes', () => {
  execFileSync(process.execPath, [join(packageRoot, 'scripts/invented_news.js'), path('news')])
  for (const split of ['train', 'validation', 'test'])
    expect(readFileSync(path(`news/${split}.conll`), 'utf8')).toBe(readFileSync(news(split), 'utf8'))
})

describe('a head for tags', () => {
  test('is trained, and eval, predict and the report show entities', async () => {
    const trained = await run('train', experiment(), '--run-dir', path('run'), '--json')
    const result = JSON.parse(trained.stdout)
    const { task } = parse(readFileSync(path('run/experiment.yaml'), 'utf8'))
    expect(Object.keys(task.labels)).toEqual([
      'B-LOC',
      'B-MISC',
      'B-ORG',
      'B-PER',
      'I-LOC',
      'I-MISC',
      'I-ORG',
      'I-PER',
      'O',
    ])
    expect(result.chance).toMatchObject({ by: 'majority_class', guess: 'O', test: { f1: 0 } })

    const file = path('run/predictions.jsonl')
    const evaluated = JSON.parse((await run('eval', path('run'), '--json', '--predictions', file)).stdout)
    const predicted = lines('run/predictions.jsonl')
    const [outputs, targets] = [
      predicted.map(({ prediction }) => tags(prediction)),
      predicted.map(({ target }) => tags(target)),
    ]
    expect(predicted[1].words.join(' ')).toBe(predicted[1].source)
    expect(evaluated.runs[0].scores).toEqual(result.test)
    expect(evaluated.runs[0].scores).toEqual(scoreTags(TAG_METRICS, outputs, targets))
    expect(evaluated.runs[0].entities).toEqual(entityScores(outputs, targets))
    const table = (await run('eval', path('run'))).stdout
    expect(table).toMatch(/entity +│ precision │ recall │ +f1 │ in rows │ predicted/)
    const report = await compacter(['report', path('run'), '--out', path('report.html')])
    expect(report.code).toBe(0)
    expect(readFileSync(path('report.html'), 'utf8')).toMatch(/Entities of .*, × 100[\s\S]*Worst rows/)

    await run('predict', path('run'), '--input', path('test.conll'), '--output', path('out.jsonl'))
    const rows = lines('out.jsonl')
    expect(rows.map(({ tokens }) => tokens)).toEqual(predicted.map(({ words }) => words))
    expect(rows.map(({ prediction }) => prediction)).toEqual(outputs)
    expect(rows[0].probabilities).toHaveLength(rows[0].tokens.length)
    for (const { tokens, entities } of rows)
      for (const { words, start, end } of entities) expect(words).toEqual(tokens.slice(start, end))

    await run('predict', path('run'), '--input', path('out.jsonl'), '--output', path('out.conll'))
    const words = rows.map(({ tokens, prediction }) =>
      tokens.map((word: string, i: number) => `${word}\t${prediction[i]}\n`).join(''),
    )
    expect(readFileSync(path('out.conll'), 'utf8')).toBe(words.map((own) => `${own}\n`).join(''))

    const { stdout } = await run('predict', path('run'), rows[0].tokens.join('  '))
    expect(stdout).toBe(`${rows[0].prediction.join(' ')}\n`)
  })

  test('continues to the same bits', async () => {
    const own = { schedule: 'constant', checkpoint_every: 3 }
    const [parts, whole] = await inPartsAndAtOnce((steps) => experiment({ ...own, steps }))
    expect(parts).toEqual(whole)
  })

  test('tags words beyond the length O, and says how many', async () => {
    const file = experiment({ source_length: 10, steps: 3 })
    const { stderr } = await run('train', file, '--run-dir', path('cut'))
    const said =
      /of 20 sources of test are longer than training\.source_length \(10 tokens\).* (\d+) words beyond it are tagged O\./.exec(
        stderr,
      )
    await run('predict', path('cut'), '--input', path('test.conll'), '--output', path('cut.jsonl'))
    const rows = lines('cut.jsonl')
    const unread = rows.flatMap(({ probabilities }) => probabilities.filter((value: number | null) => value === null))
    expect(unread).toHaveLength(Number(said?.[1]))
    for (const { prediction, probabilities } of rows)
      for (const [i, value] of probabilities.entries()) if (value === null) expect(prediction[i]).toBe('O')
  })

  test.each([
    [{}, {}, 't5-nano', /task\.kind: is token_classification, but the backbone decodes/],
    [
      {},
      { labels: { O: 'O', x: 'NN' } },
      'bert-nano',
      /tag\.yaml:\d+:\d+: f1 and precision and recall of entities can't be made of the tag 'NN'/,
    ],
    [
      {},
      { validation: 'odd.conll' },
      'bert-nano',
      /odd\.conll:2: the tag of word 2 is 'B-ODD'; task\.labels, or else the training rows, have/,
    ],
  ])('refuses what it can’t do: %j %j %s', async (training, task, backbone, message) => {
    writeFileSync(path('odd.conll'), 'a O\nb B-ODD\n')
    const { code, stderr } = await compacter(['train', experiment(training, task, backbone), '--run-dir', path('no')])
    expect(stderr).toMatch(message)
    expect(code).not.toBe(0)
  })

  test('is refused by exports that have no place for it', async () => {
    const { code, stderr } = await compacter(['export', path('run'), '--format', 'peft', '--out', path('exported')])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/peft/) })
  })
})
