import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compacter, type Ended, smallExperiment, start } from '../cli.js'
import { engines } from '../engines.js'
import { makeRun } from '../export/made_run.js'

const engine = ['--engine', engines[0]!, '--threads', '1']
const folder = mkdtempSync(join(tmpdir(), 'labels-'))
const path = (name: string) => join(folder, name)
const write = (name: string, rows: object[]) => {
  writeFileSync(path(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return path(name)
}
const rowsOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A run whose tensors are noise: nothing here depends on what it has learnt. */
const runWith = async (name: string, file: string, ...sets: string[]) => {
  const splits = ['train', 'validation', 'test'].map((split) => `task.${split}=${file}`)
  return makeRun(path(name), 'method.preset=bitfit', 'training.evaluation_batch_size=4', ...splits, ...sets)
}
const predict = (args: string[], stdin: string): Promise<Ended> => {
  const { process, ended } = start(['predict', ...args, ...engine], {}, 'pipe')
  process.stdin?.end(stdin)
  return ended
}

const films = [0, 1, 0, 1].map((label, i) => ({ text: `a film ${i}`, label }))
let lossy: string, same: string, spaced: string, choices: string
beforeAll(async () => {
  const file = write('films.jsonl', films)
  lossy = await runWith('lossy', file, 'task.labels={0: "{neg}", 1: "{pos}"}')
  same = await runWith('same', file, 'task.labels={0: 否, 1: 是}')
  spaced = await runWith('spaced', file, 'task.labels={0: "not  good", 1: "№ 1"}')
  const asked = [0, 1].map((label) => ({ text: 'a film', a: 'the  dog…', b: 'cat', label }))
  const asks = write('asked.jsonl', asked)
  const files = `train: ${asks}, validation: ${asks}, test: ${asks}`
  const task = `task={kind: multiple_choice, name: mc, prompt: "{text}", choices: [a, b], ${files}}`
  choices = await makeRun(path('choices'), 'method.preset=bitfit', task)
})
afterAll(() => rmSync(folder, { recursive: true }))

const LOST =
  "in task.labels, the label '{neg}' comes back from the backbone's tokenizer as 'neg', without { }: no output is ever equal to it."
const SAME =
  "in task.labels, the labels '否' and '是' are the same to the backbone's tokenizer, which writes both as ''. Let them differ in characters that it can write.\n"

describe('labels that lose characters', () => {
  test('are refused by train at their place, and nothing is written', async () => {
    const { file } = smallExperiment({ steps: 1, warmup_steps: 0 })
    const set = 'task.labels={0: "{neg}", 1: "{pos}"}'
    for (const more of [[], ['--dry-run']]) {
      const { code, stderr } = await compacter([
        'train',
        file,
        '--set',
        set,
        '--run-dir',
        path('none'),
        ...more,
        ...engine,
      ])
      expect(code).toBe(2)
      expect(stderr).toContain(`--set ${set}: ${LOST} Choose another text.\n`)
      expect(() => readFileSync(path('none'))).toThrow('ENOENT')
    }
  })

  test('are refused by eval and predict unless they rank, and then they are as they were given', async () => {
    for (const { code, stderr } of [await compacter(['eval', lossy, ...engine]), await predict([lossy], 'a film')]) {
      expect(code).toBe(2)
      expect(stderr).toMatch(/experiment\.yaml:\d+:\d+: in task\.labels/)
      expect(stderr).toContain(`${LOST} Choose another text, or use --scoring rank.\n`)
    }
    const rank = ['--scoring', 'rank', ...engine]
    const evaluated = await compacter(['eval', lossy, ...rank, '--predictions', path('lossy.jsonl')])
    expect(evaluated.code, evaluated.stderr).toBe(0)
    const rows = rowsOf(path('lossy.jsonl'))
    expect(rows.map(({ target }) => target)).toEqual(['{neg}', '{pos}', '{neg}', '{pos}'])
    expect(Object.keys(rows[0].scores)).toEqual(['{neg}', '{pos}'])
    const predicted = await predict([lossy, '--scoring', 'rank'], films.map(({ text }) => `${text}\n`).join(''))
    expect(predicted.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
      ...rows.map(({ prediction }) => prediction),
      '',
    ])
  })
})

test('labels of the same tokens are refused by ranking too', async () => {
  for (const scoring of ['generate', 'rank']) {
    for (const { code, stderr } of [
      await compacter(['eval', same, '--scoring', scoring, ...engine]),
      await predict([same, '--scoring', scoring], 'a film'),
    ]) {
      expect(code).toBe(2)
      expect(stderr).toContain(SAME)
    }
  }
})

test('labels that come back in another form have it in predictions files, in the confusion matrix and in predict', async () => {
  const args = ['eval', spaced, '--scoring', 'rank', '--predictions', path('spaced.jsonl'), '--json', ...engine]
  const { stdout } = await compacter(args)
  expect(JSON.parse(stdout).confusion.labels).toEqual(['No 1', 'not good'])
  const rows = rowsOf(path('spaced.jsonl'))
  expect(rows.map(({ target }) => target)).toEqual(['not good', 'No 1', 'not good', 'No 1'])
  const predicted = await predict([spaced, '--scoring', 'rank'], films.map(({ text }) => `${text}\n`).join(''))
  expect(predicted.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
    ...rows.map(({ prediction }) => prediction),
    '',
  ])
})

test('choices of a row that are the same to the tokenizer are a problem of that row', async () => {
  const row = (a: string, b: string) => `${JSON.stringify({ text: 'a film', a, b })}\n`
  const rows = row('the  dog…', 'cat') + row('the dog...', 'the  dog…') + row('{', 'cat') + row('cat', ' cat')
  const { code, stdout, stderr } = await predict([choices, '--scoring', 'rank'], rows)
  expect(code).toBe(1)
  expect(stderr).toBe(
    `stdin:2: the choices 'the dog...' and 'the  dog…' are the same to the backbone's tokenizer, which writes both as 'the dog...'. Let them differ in characters that it can write.
stdin:4: the choice 'cat' is there twice.
2 of 4 rows could not be predicted.
`,
  )
  expect(stdout).toMatch(/^(the dog\.\.\.|cat)\t[01]\.\d{4}\n\n(\{|cat)\t[01]\.\d{4}\n\n$/)
})
