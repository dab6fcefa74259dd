import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRun } from '../export/made_run.js'
import { compacter, type Ended, smallExperiment, start } from '../support/cli.js'
import { engines } from '../support/engines.js'

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
      expect(stderr).toContain(`--set ${set}: ${LOST} Choose another text, or use training.scoring: rank.\n`)
      expect(() => readFileSync(path('none'))).toThrow('ENOENT')
    }
  })

  test('are refused by eval and predict unless they rank, and then they are unchanged', async () => {
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
  expect(JSON.parse(stdout).runs[0].confusion.labels).toEqual(['No 1', 'not good'])
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
stdin:4: the choice 'cat' occurs twice.
2 of 4 rows could not be predicted.
`,
  )
  expect(stdout).toMatch(/^(the dog\.\.\.|cat)\t[01]\.\d{4}\n\n(\{|cat)\t[01]\.\d{4}\n\n$/)
})

describe('names of labels', () => {
  const names = 'task.label_names={0: thumbs down, 1: thumbs up}'
  const [down, up] = ['thumbs down (not good)', 'thumbs up (No 1)']
  let run: string
  beforeAll(async () => {
    run = await runWith('named', path('films.jsonl'), 'task.labels={0: "not  good", 1: "№ 1"}', names)
  })
  const nameOf: Record<string, string> = { 'not good': 'thumbs down', 'No 1': 'thumbs up' }

  test('are shown by predict next to the answer, and change no score', async () => {
    const asked = films.map(({ text }) => `${text}\n`).join('')
    const args = ['--scoring', 'rank', '--json']
    const [named, plain] = [await predict([run, ...args], asked), await predict([spaced, ...args], asked)]
    const rows = ({ stdout }: Ended) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    expect(rows(named)).toEqual(rows(plain).map((row) => ({ ...row, label_name: nameOf[row.prediction] })))
    const text = await predict([run, '--scoring', 'rank'], asked)
    expect(text.stdout.split('\n').map((line) => line.split('\t').slice(0, 2))).toEqual([
      ...rows(named).map(({ prediction, label_name }) => [prediction, label_name]),
      [''],
    ])
  })

  test('are in the confusion matrix of eval, its JSON and the report, and in no predictions file', async () => {
    const file = join(run, 'predictions.jsonl')
    const args = ['eval', run, '--scoring', 'rank', '--predictions', file, ...engine]
    const table = await compacter(args)
    expect(table.code, table.stderr).toBe(0)
    for (const label of [down, up]) expect(table.stdout).toContain(label)
    const { stdout } = await compacter([...args, '--force', '--json'])
    expect(JSON.parse(stdout).runs[0].confusion).toMatchObject({
      labels: ['No 1', 'not good'],
      names: ['thumbs up', 'thumbs down'],
    })
    expect(readFileSync(file, 'utf8')).not.toContain('thumbs')
    const wrong = rowsOf(file).filter(({ target, prediction }) => target !== prediction)
    const page = path('report.html')
    const report = await compacter(['report', run, '--out', page])
    expect(report.code, report.stderr).toBe(0)
    const html = readFileSync(page, 'utf8')
    for (const label of [down, up]) expect(html).toContain(`<th scope="row">${label}</th>`)
    expect(wrong.length).toBeGreaterThan(0)
    const shown = (text: string) => `<bdi>${nameOf[text]} (${text})</bdi>`
    for (const { target, prediction } of wrong)
      expect(html).toContain(
        `<span class="tag">target</span> ${shown(target)} <span class="tag">predicted</span> ${shown(prediction)}`,
      )
  })

  test('of a value that no row has are refused by train at their place', async () => {
    const { file } = smallExperiment({ steps: 1, warmup_steps: 0 })
    const set = 'task.label_names={0: thumbs down, 2: thumbs up}'
    const { code, stderr } = await compacter(['train', file, '--set', set, '--dry-run', ...engine])
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`--set ${set}: task.label_names names '2', which is not a label. Labels: `),
    ])
  })
})
