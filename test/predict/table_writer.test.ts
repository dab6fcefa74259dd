import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { read } from 'vega'
import { afterAll, describe, expect, test } from 'vitest'
import { loadExperiment } from '../../src/experiment/load/load.js'
import type { InputRow } from '../../src/predict/input.js'
import { type Answer, fileOutput, type Outcome } from '../../src/predict/output.js'
import { type TableOptions, tableWriter } from '../../src/predict/table_writer.js'
import { outputFormat } from '../../src/predict/writer.js'
import { readTable } from '../../src/task/rows/table.js'

const folder = mkdtempSync(join(tmpdir(), 'table-writer-'))
afterAll(() => rmSync(folder, { recursive: true }))

const runOf = (name: string, ...sets: string[]) => ({ folder: name, experiment: loadExperiment('quickstart', sets) })
const [named, plain] = [runOf('runs/mood'), runOf('runs/cola', 'task.label_names=null', 'task.label=mark')]
const logs = (zero: number, one: number) => ({ 0: Math.log(zero), 1: Math.log(one) })
const up = (share: number): Answer => ({ text: '1', labelName: 'positive', scores: logs(1 - share, share) })

const warnings: string[] = []
/** What is written of windows of rows; also that nothing else is left in the folder. */
async function written(
  windows: [InputRow, Answer[] | string][][],
  options: Partial<TableOptions> = {},
  file = 'out.csv',
): Promise<string> {
  const path = join(folder, file)
  const output = fileOutput(path, true)
  const writer = tableWriter(output, {
    ...{ path, format: 'csv', runs: [named], ranked: true, textColumn: undefined },
    place: (line) => `rows:${line}`,
    warn: (text) => warnings.push(text),
    ...options,
  })
  for (const window of windows) {
    const outcomes = window.map(([{ line }, answer]): Outcome => {
      return typeof answer === 'string' ? { line, problem: answer } : { line, predictions: answer }
    })
    await writer.write(
      window.map(([row]) => row),
      outcomes,
    )
  }
  await writer.end()
  output.finish()
  writer.close()
  expect(readdirSync(folder)).toEqual([file])
  const text = readFileSync(path, 'utf8')
  if (file.endsWith('.tsv')) rmSync(path)
  return text
}
const values = (line: number, values: Record<string, unknown>): InputRow => ({ line, values })

/** By a reader that others wrote: that of Vega, d3-dsv. */
const parsed = (text: string) => [...(read(text, { type: 'csv' }) as object[])].map((row) => ({ ...row }))

const ROWS: [InputRow, Answer[] | string][] = [
  [values(2, { id: '007', text: 'a "fine", warm\nfilm', note: '' }), [up(0.75)]],
  [
    values(4, { id: '-1', text: '- a dull film', note: '=1+1' }),
    [{ text: '0', labelName: 'negative', scores: logs(0.5, 0.5) }],
  ],
]

describe('a table', () => {
  test("has a header, the input's columns first, as another CSV reader and ours read them", async () => {
    const text = await written([ROWS])
    const [first, second] = [
      { id: '007', text: 'a "fine", warm\nfilm', note: '', prediction: '1', label_name: 'positive' },
      { id: '-1', text: "'- a dull film", note: "'=1+1", prediction: '0', label_name: 'negative' },
    ]
    expect(parsed(text)).toEqual([
      { ...first, probability: expect.stringMatching(/^0\.7(5|49999)/) },
      { ...second, probability: '0.5' },
    ])
    const own = []
    for await (const row of readTable(join(folder, 'out.csv'))) own.push('values' in row ? row.values : row)
    expect(own).toEqual(parsed(text))
    expect(text.split('\n')[0]).toBe('id,text,note,prediction,label_name,probability')
  })

  test('with tabs has them nowhere else', async () => {
    rmSync(join(folder, 'out.csv'), { force: true })
    const tabs: [InputRow, Answer[]][] = [[values(2, { text: 'a\tb\r\nc "d"' }), [up(0.75)]]]
    expect(await written([tabs], { format: 'tsv', ranked: false }, 'out.tsv')).toBe(
      'text\tprediction\tlabel_name\na b c "d"\t1\tpositive\n',
    )
  })

  test('has every column that a row of JSON has, whichever row has it first, and values of all kinds', async () => {
    const text = await written([
      [[values(1, { text: 'a', n: 1.5, list: ['x', 'y,z'] }), [up(0.5)]]],
      [[values(2, { late: true, text: 'b', n: null, bytes: Uint8Array.of(0, 255) }), [up(0.5)]]],
    ])
    const [a, b] = parsed(text)
    expect(text.split('\n')[0]).toBe('text,n,list,late,bytes,prediction,label_name,probability')
    expect(a).toMatchObject({ text: 'a', n: '1.5', list: '["x","y,z"]', late: '', bytes: '' })
    expect(b).toMatchObject({ text: 'b', n: '', list: '', late: 'true', bytes: 'AP8=' })
  })

  test('of single texts has them under the column of the prompt', async () => {
    const texts: [InputRow, Answer[]][] = ['a film', ''].map((text, i) => [{ line: i + 1, text }, [up(0.5)]])
    expect(await written([texts], { textColumn: 'text', ranked: false })).toBe(
      'text,prediction,label_name\na film,1,positive\n,1,positive\n',
    )
    expect(await written([], { textColumn: 'text', ranked: false })).toBe('text,prediction,label_name\n')
  })

  test('says what is wrong with a row in the column error', async () => {
    const text = await written(
      [
        ROWS.slice(0, 1),
        [
          [values(3, { id: 'x' }), "column 'text' is missing."],
          [{ line: 4, problem: 'b' }, 'b'],
        ],
      ],
      {
        ranked: false,
      },
    )
    expect(parsed(text)).toMatchObject([
      { id: '007', prediction: '1', error: '' },
      { id: 'x', text: '', prediction: '', label_name: '', error: "rows:3: column 'text' is missing." },
      { id: '', text: '', prediction: '', label_name: '', error: 'rows:4: b' },
    ])
  })

  test('of several runs has columns for each; an output that is not a label has no name', async () => {
    const answers: Answer[] = [{ text: 'positive', labelName: null }, { text: '=1' }]
    const text = await written([[[values(2, { text: 'a' }), answers]]], { runs: [named, plain], ranked: false })
    expect(text).toBe("text,runs/mood:prediction,runs/mood:label_name,runs/cola:prediction\na,positive,,'=1\n")
  })

  test("keeps a column of the input that is called as one of the prediction's, and says so", async () => {
    warnings.length = 0
    const input = { text: 'a', prediction: 'old', prediction_2: 'older', probability: '9' }
    const text = await written([[[values(2, input), [up(0.5)]]]])
    expect(text.split('\n')[0]).toBe('text,prediction,prediction_2,probability,prediction_3,label_name,probability_2')
    expect(parsed(text)).toMatchObject([{ ...input, prediction_3: '1', probability_2: '0.5' }])
    expect(warnings).toEqual([
      "The input has a column 'prediction': the prediction's is 'prediction_3'.",
      "The input has a column 'probability': the prediction's is 'probability_2'.",
    ])
  })
})

test.each([
  [undefined, false, 'text'],
  [undefined, true, 'jsonl'],
  ['a.txt', false, 'text'],
  ['a.txt', true, 'jsonl'],
  ['a.JSONL', false, 'jsonl'],
  ['a.csv', false, 'csv'],
  ['a.csv', true, 'csv'],
  ['a.TSV', false, 'tsv'],
  ['a.json', true, 'jsonl'],
])('--output %s, --json %s: %s', (file, json, format) => expect(outputFormat(file, json)).toBe(format))

test.each(['a.json', 'a.parquet', 'a.xlsx'])('%s would be lines of text under a wrong name', (file) => {
  expect(() => outputFormat(file, false)).toThrow(
    `--output ${file}: files of this format are not written. Name a file that ends in .jsonl, .csv, .tsv or, for tags, .conll; any other ending has lines of text.`,
  )
})
