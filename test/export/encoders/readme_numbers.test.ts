// expected: transformers and peft themselves, by the lines of the READMEs, held to what `compacter predict` writes
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { openSafetensors, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { exportRun } from '../../../src/format/export.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { python } from '../in_pytorch.js'
import { makeRun } from '../made_run.js'
import { makeByteLevel } from './byte_level.js'
import { printedByReadmes } from './in_transformers.js'
import { makeEncoder, TASKS } from './made_encoder.js'
import { type PredictedRow, predicted } from './predicted.js'

const folder = mkdtempSync(join(tmpdir(), 'export-readme-numbers-'))
afterAll(() => rmSync(folder, { recursive: true }))
const inFolder = (...names: string[]) => join(folder, ...names)

const FORMATS = ['huggingface', 'peft'] as const
const LORA = ['method=lora', 'method.alpha=2']
const NORMS = ['method=layer-norm-tuning', 'training.source_length=24']
const cases = [
  { name: 'number', on: inFolder('bert'), sets: LORA, task: 'number' },
  { name: 'choice', on: 'bert-nano', sets: LORA, task: 'choice' },
  { name: 'labels', on: inFolder('five'), sets: LORA, task: 'labels' },
  { name: 'tags on roberta', on: inFolder('roberta'), sets: NORMS, task: 'tags' },
  { name: 'tags on modernbert', on: inFolder('modernbert'), sets: NORMS, task: 'tags' },
  { name: 'tags on distilbert', on: inFolder('distilbert'), sets: NORMS, task: 'tags' },
] as const
type Case = (typeof cases)[number]

/** A BERT whose tokenizer is of a class that gives no token types by itself. */
function makeBert(to: string): void {
  const file = join(makeEncoder(to, 'bert'), 'tokenizer_config.json')
  const { model_input_names, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
  expect(model_input_names).toContain('token_type_ids')
  writeFileSync(file, JSON.stringify(rest))
}

/** Has a head for five labels, as a checkpoint that was fine-tuned before. */
function makeFive(to: string): void {
  const file = join(makeEncoder(to, 'bert'), 'model.safetensors')
  const { entries, read, close } = openSafetensors(file)
  const tensors = [...entries.values()].map(({ name, shape }) => [name, { shape, data: read(name) }] as const)
  close()
  const { shape } = entries.get('bert.pooler.dense.bias')!
  const head = [
    ['classifier.weight', { shape: [5, ...shape], data: new Float32Array(5 * shape[0]!).fill(0.1) }],
    ['classifier.bias', { shape: [5], data: new Float32Array(5) }],
  ] as const
  writeSafetensors(file, [...tensors, ...head], { format: 'pt' })
}

beforeAll(async () => {
  await useEngine(engines[0]!)
  makeBert(inFolder('bert'))
  makeFive(inFolder('five'))
  makeByteLevel(makeEncoder(inFolder('roberta'), 'roberta'), 'RobertaTokenizer')
  makeByteLevel(makeEncoder(inFolder('modernbert'), 'modernbert'), 'PreTrainedTokenizerFast', { behind: true })
  makeEncoder(inFolder('distilbert'), 'distilbert')
  for (const { name, on, sets, task } of cases) {
    await makeRun(inFolder(name, 'run'), `backbone=${on}`, ...TASKS[task], ...sets)
    for (const format of FORMATS)
      await exportRun(inFolder(name, 'run'), { format, out: inFolder(name, format), force: false, progress: silent })
  }
}, 300_000)

const WORDS = [...'Alba and Bo saw a ball by the lake'.split(' '), 'yesterday', 'and', 'never', 'again']
const ROWS = {
  number: { sentence1: 'A man is playing a guitar.', sentence2: 'Somebody plays the drums, and well.', label: 0 },
  choice: { question: 'What does a cat eat?', one: 'mice and birds', two: 'the moon', label: 0 },
  labels: { text: 'a film that is good, and not long', label: 0 },
  tags: { tokens: WORDS },
}

/** What replaces the dots in lines of Python, and what they print besides the answer: the numbers behind it. */
const CHANGES: Record<Case['task'], [lines: Record<string, unknown>, more: string]> = {
  number: [{ texts: [ROWS.number.sentence1, ROWS.number.sentence2] }, 'logits.flatten().tolist()'],
  choice: [
    { texts: [ROWS.choice.question], choices: [ROWS.choice.one, ROWS.choice.two] },
    'logits.log_softmax(-1).flatten().tolist()',
  ],
  labels: [{ texts: [ROWS.labels.text] }, 'logits.log_softmax(-1).flatten().tolist()'],
  tags: [
    { words: WORDS },
    '[model(**source).logits[0, span.start].softmax(-1).max().item() if span else None for span in spans]',
  ],
}

function withRow(code: string, task: Case['task']): string {
  const [lines, more] = CHANGES[task]
  const changed = Object.entries(lines).reduce((text, [name, value]) => {
    const line = new RegExp(`^${name} = .*$`, 'm')
    expect(text).toMatch(line)
    return text.replace(line, `${name} = ${JSON.stringify(value)}`)
  }, code)
  return `${changed}import json\nprint(json.dumps(${more}))\n`
}

/** The answer as the README's Python prints it, and the numbers behind it. */
function shown(task: Case['task'], { prediction, scores, probabilities }: PredictedRow) {
  if (task === 'tags') {
    const numbers = probabilities as (number | null)[]
    return { answer: `[${(prediction as string[]).map((tag) => `'${tag}'`).join(', ')}]`, numbers }
  }
  return { answer: prediction as string, numbers: scores ? Object.values(scores) : [Number(prediction)] }
}

test.skipIf(!python)('the READMEs have Python that gives the numbers of predict', { timeout: 300_000 }, async () => {
  const exports = cases.flatMap((one) => FORMATS.map((format) => ({ ...one, out: inFolder(one.name, format) })))
  const outs = exports.map(({ out }) => out)
  const printed = printedByReadmes(outs, python, (code, i) => withRow(code, exports[i]!.task))
  for (const [i, { name, task, out }] of exports.entries()) {
    const { answer, numbers } = shown(task, await predicted(inFolder(name, 'run'), ROWS[task]))
    const [there, line] = printed.slice(2 * i) as [string, string]
    if (task !== 'number') expect(there, out).toBe(answer)
    const found: (number | null)[] = JSON.parse(line)
    expect(
      found.map((value) => value === null),
      out,
    ).toEqual(numbers.map((value) => value === null))
    const [read, expected] = [found, numbers].map((list) => list.filter((value) => value !== null))
    expectClose(read!, expected!, { relative: 1e-5, name: out })
  }
})

test('tags of words that are cut off are O, in the length of the run', async () => {
  const { prediction, probabilities } = await predicted(inFolder('tags on roberta', 'run'), ROWS.tags)
  expect((probabilities as (number | null)[]).filter((value) => value === null).length).toBeGreaterThan(3)
  expect(prediction.slice(-3)).toEqual(['O', 'O', 'O'])
})

const readmeOf = (name: string, format: string) => readFileSync(inFolder(name, format, 'README.md'), 'utf8')

test('READMEs ask for token types where the backbone reads them, and for a blank before words of bytes', () => {
  for (const format of FORMATS) {
    expect(readmeOf('number', format)).toContain('max_length=128, return_token_type_ids=True, return_tensors="pt")')
    expect(readmeOf('tags on distilbert', format)).toContain('max_length=24, return_token_type_ids=False, ')
    expect(readmeOf('tags on distilbert', format)).not.toContain('add_prefix_space')
    expect(readmeOf('tags on roberta', format)).toContain(', add_prefix_space=True)\ntokenizer.backend_tokenizer.pre_')
    expect(readmeOf('tags on modernbert', format)).toContain(
      'backend_tokenizer.pre_tokenizer[1].add_prefix_space = True',
    )
  }
})

test('a README of peft says that sizes differ where the backbone has another head', () => {
  const load = '.from_pretrained(backbone, id2label={0: "negative", 1: "positive", 2: "both"}'
  expect(readmeOf('labels', 'peft')).toContain(`${load}, ignore_mismatched_sizes=True).float()\n`)
  for (const { name } of cases) if (name !== 'labels') expect(readmeOf(name, 'peft')).not.toContain('ignore_mismatched')
})

test('a folder for transformers has a tokenizer_config.json that says what the model reads', () => {
  const config = (name: string) =>
    JSON.parse(readFileSync(inFolder(name, 'huggingface', 'tokenizer_config.json'), 'utf8'))
  const without = ['input_ids', 'attention_mask']
  expect(config('number').model_input_names).toEqual(['input_ids', 'token_type_ids', 'attention_mask'])
  expect(config('tags on distilbert')).toMatchObject({ model_input_names: without, sep_token: '[SEP]' })
  expect(config('tags on distilbert')).not.toHaveProperty('add_prefix_space')
  expect(config('tags on roberta')).toMatchObject({ model_input_names: without, add_prefix_space: true })
})
