import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { UserError } from '../../src/base/error.js'
import { packageRoot } from '../../src/base/root.js'
import type { Example } from '../../src/task/example.js'
import { taskOptions } from '../../src/task/options.js'
import { TaskMisfit } from '../../src/task/rows/misfit.js'
import { readSplit } from '../../src/task/rows/source.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-rows-'))
afterAll(() => rmSync(folder, { recursive: true }))

function read(name: string, contents: string | Buffer, options = {}): Promise<Example[]> {
  const file = join(folder, name)
  writeFileSync(file, contents)
  return readSplit(task(file, options), 'train')
}

const task = (file: string, options = {}) =>
  taskOptions.parse({
    kind: 'classification',
    name: 'mine',
    train: file,
    validation: file,
    test: file,
    prompt: 'sentence: {text}',
    ...options,
  })

/** The whole message, the temporary folder left out. */
async function complaint(
  name: string,
  contents: string | Buffer,
  options = {},
  kind: { name: string } = UserError,
): Promise<string> {
  try {
    await read(name, contents, options)
  } catch (error) {
    expect((error as Error).name).toBe(kind.name)
    return (error as Error).message.replaceAll(`${folder}/`, '')
  }
  throw new Error('nothing was thrown')
}

const ROTTEN: Example[] = [
  { row: 3, source: 'sentence: effective but too-tepid biopic', target: '1', label: '1' },
  {
    row: 4265,
    source:
      "sentence: it's clear that mehta simply wanted to update her beloved genre for the thousands of indians who fancy themselves too sophisticated for the cheese-laced spectacles that pack 'em in on the subcontinent .",
    target: '1',
    label: '1',
  },
  {
    row: 8530,
    source:
      'sentence: things really get weird , though not particularly scary : the movie is all portent and no content .',
    target: '0',
    label: '0',
  },
]

describe('rotten-tomatoes, as bundled', () => {
  const bundled = (split: string) => join(packageRoot, 'configs/tasks/rotten-tomatoes', `${split}.jsonl`)
  const options = taskOptions.parse({
    kind: 'classification',
    name: 'rotten-tomatoes',
    train: bundled('train'),
    validation: bundled('validation'),
    test: bundled('test'),
    prompt: 'sentence: {text}',
  })

  test.each([
    ['train', 8530],
    ['validation', 1066],
    ['test', 1066],
  ] as const)('%s has %i rows, half of them positive', async (split, rows) => {
    const examples = await readSplit(options, split)
    expect(examples.length).toBe(rows)
    expect(examples.map(({ row }) => row)).toEqual(Array.from({ length: rows }, (_, i) => i + 1))
    for (const label of ['0', '1']) expect(examples.filter(({ target }) => target === label).length).toBe(rows / 2)
  })

  test('rows become the prompt and the label id', async () => {
    const examples = await readSplit(options, 'train')
    expect([examples[2], examples[4264], examples[8529]]).toEqual(ROTTEN)
  })
})

describe('formats', () => {
  test('JSONL: empty lines are left out, lines keep their numbers, numbers and booleans become text', async () => {
    const text = '{"text":"a","label":1}\n\n{"text":2.50,"label":true}\r\n{"text":1.0,"label":"x"}'
    expect(await read('mixed.jsonl', text)).toEqual([
      { row: 1, source: 'sentence: a', target: '1', label: '1' },
      { row: 3, source: 'sentence: 2.50', target: 'true', label: 'true' },
      { row: 4, source: 'sentence: 1.0', target: 'x', label: 'x' },
    ])
  })

  test('JSONL: numbers are kept as written, in lists too', async () => {
    const text = '{"text":[12345678901234567890,1e3,0.10,7],"label":9007199254740993}\n{"text":"1.0 NaN","label":-0.50}'
    expect(await read('numbers.jsonl', text)).toEqual([
      {
        row: 1,
        source: 'sentence: 12345678901234567890, 1e3, 0.10, 7',
        target: '9007199254740993',
        label: '9007199254740993',
      },
      { row: 2, source: 'sentence: 1.0 NaN', target: '-0.50', label: '-0.50' },
    ])
  })

  test('CSV: quotes hold commas, line breaks and doubled quotes; a byte-order mark is not part of a name', async () => {
    const text = '\uFEFFtext,label\r\n"a, b",0\r\n"he said ""no""\r\nand left",1\r\n,2\r\n"",3\r\n\r\n é ,4'
    expect(await read('quotes.csv', text)).toEqual([
      { row: 2, source: 'sentence: a, b', target: '0', label: '0' },
      { row: 3, source: 'sentence: he said "no"\nand left', target: '1', label: '1' },
      { row: 5, source: 'sentence: ', target: '2', label: '2' },
      { row: 6, source: 'sentence: ', target: '3', label: '3' },
      { row: 8, source: 'sentence:  é ', target: '4', label: '4' },
    ])
  })

  test('CSV: a quoted value over 100,000 lines is read at once', async () => {
    const long = 'line "" of text\n'.repeat(100_000)
    const [example] = await read('long.csv', `text,label\n"${long}",1\n`)
    expect(example!.source).toBe(`sentence: ${long.replaceAll('""', '"')}`)
  })

  test('TSV: a quote is a character', async () => {
    expect(await read('quotes.tsv', 'label\ttext\n1\t"open\n0\tit"s, so\n')).toEqual([
      { row: 2, source: 'sentence: "open', target: '1', label: '1' },
      { row: 3, source: 'sentence: it"s, so', target: '0', label: '0' },
    ])
  })

  test('lines that cross the reader’s chunks of 1 MiB stay whole', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${i} `.padEnd(100_003 + 7 * i, 'é'))
    const text = texts.map((value) => JSON.stringify({ text: value, label: 0 })).join('\n')
    expect((await read('chunks.jsonl', text)).map(({ source }) => source)).toEqual(
      texts.map((value) => `sentence: ${value}`),
    )
  })
})

describe('prompts and labels', () => {
  test('several columns, one of them twice, and braces that name nothing', async () => {
    const prompt = 'premise: {a} {} hypothesis: {b b} {a}'
    const [example] = await read('pair.jsonl', '{"a":"$& $1","b b":"y","label":0}', { prompt })
    expect(example!.source).toBe('premise: $& $1 {} hypothesis: y $& $1')
  })

  test('labels give each value its target', async () => {
    const labels = { 0: 'negative', 1: 'positive' }
    expect(await read('named.csv', 'text,label\na,1\nb,0\n', { labels })).toEqual([
      { row: 2, source: 'sentence: a', target: 'positive', label: '1' },
      { row: 3, source: 'sentence: b', target: 'negative', label: '0' },
    ])
  })
})

describe('rows with problems', () => {
  test('each is reported with its line, up to five, then the number of the others', async () => {
    const lines = [
      '{"text":"a","label":0}',
      '{"text":null,"label":0}',
      '{"text":"a"}',
      '{"text":"a","label":2}',
      '{"text":"a"',
    ]
    const more = ['["a"]', '{"text":[["a"]],"label":0}', '{"text":"a","label":""}', '{"text":"a","label":[0]}']
    const labels = { 0: 'no', 1: 'yes' }
    expect(await complaint('bad.jsonl', [...lines, ...more].join('\n'), { labels })).toBe(
      [
        "bad.jsonl:2: column 'text' is null.",
        "bad.jsonl:3: column 'label' is missing.",
        "bad.jsonl:4: the label is '2'; labels are 0, 1.",
        'bad.jsonl:5: the line is not valid JSON.',
        'bad.jsonl:6: the line is not a JSON object, such as {"text": "…", "label": 1}.',
        '3 more rows have problems.',
      ].join('\n'),
    )
    expect(await complaint('bad2.jsonl', `${lines[0]}\n${more.slice(1).join('\n')}`)).toBe(
      [
        "bad2.jsonl:2: column 'text' is a list that holds a list; texts, numbers and booleans are needed.",
        "bad2.jsonl:3: column 'label' is empty.",
        "bad2.jsonl:4: column 'label' is a list; text, a number or a boolean is needed.",
      ].join('\n'),
    )
  })

  test('CSV: numbers of values, stray quotes, and a quote that nothing closes', async () => {
    const text = 'text,label\na\n1,2,3\nit"s,0\n"a" b,0\ngood,1\n"open,1\nc,0\n'
    expect(await complaint('bad.csv', text)).toBe(
      [
        'bad.csv:2: the line has 1 value, there are 2 columns. Put quotes around a value that holds a comma.',
        'bad.csv:3: the line has 3 values, there are 2 columns. Put quotes around a value that holds a comma.',
        'bad.csv:4: there is a quote inside a value. Write a quote as "", and put quotes around the whole value.',
        'bad.csv:5: there is a quote inside a value. Write a quote as "", and put quotes around the whole value.',
        'bad.csv:7: a quote opens a value here and nothing closes it.',
      ].join('\n'),
    )
  })

  test('TSV: numbers of values', async () => {
    expect(await complaint('bad.tsv', 'text\tlabel\n"a\tb"\t1\n')).toBe(
      'bad.tsv:2: the line has 3 values, there are 2 columns. A value holds no tab, and quotes do not group.',
    )
  })

  test('bytes that are not UTF-8', async () => {
    const latin1 = Buffer.from('text,label\ncafé,1\nplain,1\n', 'latin1')
    expect(await complaint('latin1.csv', latin1)).toBe('latin1.csv:2: the line is not valid UTF-8.')
    expect(await complaint('latin1.jsonl', Buffer.from('{"text":"é","label":1}', 'latin1'))).toBe(
      'latin1.jsonl:1: the line is not valid UTF-8.',
    )
  })
})

describe('files that can’t be used', () => {
  test('a column that the prompt or the label names and no row has', async () => {
    const text = 'sentence,idx,lable\na,0,1\n'
    expect(await complaint('names.csv', text, { prompt: '{sentense}' }, TaskMisfit)).toBe(
      "names.csv: task.prompt names the column 'sentense', which is not in this file. Did you mean 'sentence'? Columns: sentence, idx, lable.",
    )
    expect(await complaint('names.csv', text, { prompt: '{sentence}' }, TaskMisfit)).toBe(
      "names.csv: task.label names the column 'label', which is not in this file. Did you mean 'lable'? Columns: sentence, idx, lable.",
    )
    expect(await complaint('names.csv', text, { prompt: '{review}' }, TaskMisfit)).toBe(
      "names.csv: task.prompt names the column 'review', which is not in this file. Columns: sentence, idx, lable.",
    )
  })

  test('of very many columns, and very long ones, an error lists the first and their beginnings', async () => {
    const long = 'y'.repeat(2 ** 20)
    const header = [...Array.from({ length: 20_000 }, (_, i) => `column${i}`), long].join(',')
    const message = await complaint(
      'many.csv',
      `${header}\n${'1,'.repeat(20_000)}1\n`,
      { prompt: '{review}' },
      TaskMisfit,
    )
    expect(message).toMatch(/Columns: column0, column1, .*, column49 and 19951 more\.$/)
    expect(message.length).toBeLessThan(1000)
    expect(await complaint('long.csv', `${long}\n1\n`, { prompt: '{review}' }, TaskMisfit)).toMatch(
      /Columns: y{120}…\.$/,
    )
  })

  test.each([
    ['empty.jsonl', '', 'empty.jsonl: there are no rows.'],
    ['header.csv', 'text,label\n', 'header.csv: there are no rows.'],
    [
      'twice.csv',
      'text,text\na,b\n',
      "twice.csv:1: the header names the column 'text' twice. The first line must name each column once.",
    ],
    ['rows.txt', 'a', 'rows.txt: the name ends in none of .jsonl, .json, .csv, .tsv, .parquet.'],
    [
      'image.csv',
      Buffer.from([0x74, 0x0a, 0x89, 0x50, 0x00, 0x0a]),
      'image.csv:2: there is a NUL byte: this is a binary file, or text in UTF-16. Save it as UTF-8 text.',
    ],
    [
      'utf16.csv',
      Buffer.from('text,label\na,1\n', 'utf16le'),
      'utf16.csv:1: there is a NUL byte: this is a binary file, or text in UTF-16. Save it as UTF-8 text.',
    ],
  ])('%s', async (name, contents, message) => {
    expect(await complaint(name, contents)).toBe(message)
  })

  test('a single line of 100 MB is refused when 16 MB are read', async () => {
    const contents = Buffer.concat([Buffer.from('{"text":"a","label":1}\n'), Buffer.alloc(100_000_000, 'x')])
    const before = process.memoryUsage().rss
    expect(await complaint('one-line.jsonl', contents)).toBe(
      'one-line.jsonl:2: the line is longer than 16 MiB. Each row needs a line of its own.',
    )
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6)
  })

  test('a file that is not there, and a folder', async () => {
    await expect(readSplit(task('/no/such.csv'), 'test')).rejects.toThrow('/no/such.csv: there is no such file.')
    mkdirSync(join(folder, 'folder.csv'))
    await expect(readSplit(task(join(folder, 'folder.csv')), 'test')).rejects.toThrow(
      `${folder}/folder.csv: is a folder, not a file of rows.`,
    )
  })
})
