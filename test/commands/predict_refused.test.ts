import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeRun } from '../export/made_run.js'
import { compacter } from '../support/cli.js'
import { engine, file, noise, path, predict, run } from './predicted_run.js'

describe('what cannot be predicted is refused at once', () => {
  beforeAll(() => {
    writeFileSync(path('rows.json'), '{"data": [{"text": "a"}]}')
    for (const cell of ['a', 'b', 'c', 'd']) cpSync(join(run, 'experiment.yaml'), path(`grid/${cell}/experiment.yaml`))
  })
  const refusals: [string, () => string[], string | undefined, string, number][] = [
    [
      'texts and --input',
      () => [run, 'a', '--input', file],
      undefined,
      'There are texts and --input. Give one of the two.\n',
      2,
    ],
    [
      'a run in place of a text',
      () => [run, noise],
      undefined,
      `${noise}: is a run, where a text is expected: only the first argument is a run. Name further runs with --run ${noise}.\n`,
      1,
    ],
    ['a run twice', () => [run, '--run', run, 'a'], undefined, `${run}: is named twice. Name each run once.\n`, 1],
    [
      'no run',
      () => [path('none'), 'a'],
      undefined,
      `${path('none')}: there is no such folder. Name a folder that \`compacter train\` made, such as runs/quickstart.\n`,
      1,
    ],
    [
      "a grid's folder",
      () => [path('grid'), 'a'],
      undefined,
      `${path('grid')}: is not a run: it has no experiment.yaml, but holds 4 runs. Name one of them: ${['a', 'b', 'c'].map((cell) => path(`grid/${cell}`)).join(', ')}, ….\n`,
      1,
    ],
    ['no file', () => [run, '--input', path('none')], undefined, `${path('none')}: there is no such file.\n`, 1],
    [
      'a table without the column',
      () => [run, '--input-format', 'csv'],
      'texts,label\na,1\n',
      "stdin:2: RUN needs the column 'text', which is not in this input. Did you mean 'texts'? Columns: texts, label.\n",
      1,
    ],
    [
      'JSON whose rows are not where they are looked for',
      () => [run, '--input', path('rows.json')],
      undefined,
      `${path('rows.json')}: holds its rows in a list within an object, 'data'. A .json file is a list of objects, or JSON lines: pandas' to_json(…, orient='records', lines=True).\n`,
      1,
    ],
  ]
  test.each(refusals)('%s', async (_, args, stdin, expected, code) => {
    expect(await predict(args(), stdin)).toEqual({ code, stdout: '', stderr: expected.replace('RUN', run) })
  })

  test('text for a task of two columns, which takes JSON', async () => {
    const two = await makeRun(path('two'), 'task.prompt="a: {text} b: {label}"')
    const { code, stderr } = await predict([two, '--input-format', 'text'], 'a\n')
    expect([code, stderr]).toEqual([
      1,
      `${two}: its task rotten-tomatoes needs the columns text, label; a line of text is only one. Give JSON lines, such as {"text":"…","label":"…"}, or a table with a header.\n`,
    ])
    const taken = await predict([two, '{"text": "x", "label": 1}', 'x', '--scoring', 'rank'])
    expect([taken.code, taken.stderr]).toEqual([
      1,
      'TEXT 2: the line is not valid JSON.\n1 of 2 rows could not be predicted.\n',
    ])
    expect(taken.stdout).toMatch(/^(0\tnegative|1\tpositive)\t[01]\.\d{4}\n\n$/)
  })
})

test('eval of a run whose rows can’t be used is one message', async () => {
  writeFileSync(path('broken.jsonl'), '{"text": "x", "label": 1}\nnot JSON\n')
  const broken = await makeRun(path('broken'), `task.test=${path('broken.jsonl')}`)
  const { code, stderr } = await compacter(['eval', broken, ...engine])
  expect(code).toBe(1)
  expect(stderr.slice(stderr.indexOf('Reading'))).toBe(
    `Reading and tokenising rotten-tomatoes, test\n${path('broken.jsonl')}:2: the line is not valid JSON.\n`,
  )
})
