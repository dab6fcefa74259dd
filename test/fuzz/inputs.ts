import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { packageRoot } from '../../src/base/root.js'
import { zipFile } from '../export/zip_file.js'
import { writeRun } from '../report/runs.js'
import { CODECS, ENCODINGS, parquetFile, plain } from '../task/parquet_file.js'
import { Chance, mutatedBytes, mutatedValue } from './mutate.js'

const fixture = (...path: string[]) => join(packageRoot, 'test', 'fixtures', ...path)
const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

/** What is mutated, and so by which way it is read: see entry.ts. */
export const KINDS = [
  'experiment',
  'csv',
  'tsv',
  'jsonl',
  'json',
  'parquet',
  'config',
  'tokenizer',
  'safetensors',
  'run',
  'zip',
  'pickle',
] as const
export type Kind = (typeof KINDS)[number]

export const kindOf = (index: number): Kind => KINDS[index % KINDS.length]!

/** Writes input number `index` of a seed into a new folder. */
export function writeInput(folder: string, seed: number, index: number): Kind {
  const kind = kindOf(index)
  const chance = new Chance(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  mkdirSync(folder, { recursive: true })
  writers[kind](folder, chance, kind)
  return kind
}

const ROWS = [
  { text: 'a "film", warm', label: 1, options: ['yes', 'no'] },
  { text: 'über 🙂\nund\ttab', label: 0, options: ['x'] },
  { text: '', label: null, n: 1.5 },
  { text: 'never ends', label: 1, options: { a: [1] } },
]
const EXPERIMENT = {
  name: 'trial',
  backbone: { name: 't5-nano', trim_vocabulary: true },
  method: { preset: 'compacter', n: 4, placement: { encoder_layers: '1-', sublayers: ['attention'] } },
  task: {
    name: 'mine',
    ...{ train: 'rows.jsonl', validation: 'rows.jsonl', test: 'rows.jsonl' },
    ...{ prompt: 'x: {text}', label: 'label', labels: { 0: 'bad', 1: 'good' }, metrics: ['accuracy'] },
  },
  training: { steps: 10, learning_rate: 0.003, batch_size: 4, source_length: 32, seed: 1 },
}

/** Half of them in their structure, half in their bytes. */
function mutatedText(value: unknown, write: (value: unknown) => string, chance: Chance): Buffer {
  const text = chance.below(2) === 0 ? write(value) : write(mutatedValue(value, chance))
  return chance.below(2) === 0 ? mutatedBytes(Buffer.from(text), chance) : Buffer.from(text)
}

const jsonText = (value: unknown) => JSON.stringify(value)

/** JSON, which is YAML too, where the value is nested deeper than the writer goes. */
function yamlText(value: unknown): string {
  try {
    return stringify(value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return jsonText(value)
  }
}

const lines = (value: unknown) => (Array.isArray(value) ? value : [value]).map(jsonText).join('\n')
const quoted = (value: unknown) => `"${String(value ?? '').replaceAll('"', '""')}"`
const table = (separator: string, cell: (value: unknown) => string) => (value: unknown) =>
  [
    ['text', 'label', 'options'].join(separator),
    ...(Array.isArray(value) ? value : [value]).map((row) =>
      ['text', 'label', 'options'].map((key) => cell(row?.[key])).join(separator),
    ),
  ].join('\n')

type Write = (folder: string, chance: Chance, kind: Kind) => void

const rows =
  (write: (value: unknown) => string): Write =>
  (folder, chance, kind) =>
    writeFileSync(join(folder, `rows.${kind}`), mutatedText(ROWS, write, chance))

const parquets = readdirSync(fixture('parquet')).filter((name) => name.endsWith('.parquet'))

const parquet: Write = (folder, chance) => {
  const of = (): Buffer => readFileSync(fixture('parquet', chance.of(parquets)))
  const way = chance.below(4)
  const bytes = way === 0 ? lyingParquet(chance) : way === 1 ? mutatedBytes(of(), chance) : withOtherPages(of(), chance)
  writeFileSync(join(folder, 'rows.parquet'), bytes)
}

/** Some bytes before the footer changed, so that it is read and the pages are what is wrong. */
function withOtherPages(bytes: Buffer, chance: Chance): Buffer {
  const end = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
  for (let changes = 1 + chance.below(8); changes > 0; changes--) bytes[4 + chance.below(end - 4)] = chance.below(256)
  return bytes
}

function lyingParquet(chance: Chance): Buffer {
  const number = () => chance.of([0, 1, 2, 3, 1000, 100_000, 2 ** 31 - 1])
  return parquetFile({
    body: mutatedBytes(Buffer.concat([plain('one'), plain('two')]), chance),
    codec: chance.of(Object.values(CODECS)),
    encoding: chance.of(Object.values(ENCODINGS)),
    optional: chance.below(2) === 0,
    rows: number(),
    ...(chance.below(2) === 0 && { values: number() }),
    ...(chance.below(2) === 0 && { uncompressed: number() }),
    groups: chance.of([1, 1, 3, 500]),
  })
}

/** t5-tiny, with a tokenizer as small. */
function backbone(folder: string): void {
  cpSync(fixture('t5-tiny', 'config.json'), join(folder, 'config.json'))
  cpSync(fixture('t5-tiny', 'model.safetensors'), join(folder, 'model.safetensors'))
  writeFileSync(join(folder, 'tokenizer.json'), jsonText(smallTokenizer()))
}

const nano = json(join(packageRoot, 'configs/backbones/t5-nano/tokenizer.json'))

function smallTokenizer() {
  const [, ...normalizers] = nano.normalizer.normalizers
  const model = { ...nano.model, vocab: nano.model.vocab.slice(0, 97) }
  const normalizer = { type: 'Sequence', normalizers: [{ type: 'NFKC' }, ...normalizers] }
  return { ...nano, normalizer, model, added_tokens: nano.added_tokens.slice(0, 3) }
}

const PAIRS = {
  type: 'BPE',
  ...{ dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false },
  vocab: { '<pad>': 0, '</s>': 1, a: 2, b: 3, ab: 4, Ġ: 5, Ġa: 6 },
  merges: ['a b', ['Ġ', 'a']],
}

const tokenizer: Write = (folder, chance) => {
  backbone(folder)
  const small = smallTokenizer()
  const pairs = {
    ...small,
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true },
    model: PAIRS,
  }
  const whole = chance.of([small, small, small, pairs, pairs, nano])
  writeFileSync(join(folder, 'tokenizer.json'), mutatedText(whole, jsonText, chance))
  if (chance.below(8) === 0) {
    const special = { eos_token: { content: '</s>' }, pad_token: '<pad>' }
    writeFileSync(join(folder, 'tokenizer_config.json'), mutatedText(special, jsonText, chance))
  }
  if (whole === nano && chance.below(2) === 0) {
    const bytes = Buffer.from(nano.normalizer.normalizers[0].precompiled_charsmap, 'base64')
    const normalizer = { type: 'Precompiled', precompiled_charsmap: mutatedBytes(bytes, chance).toString('base64') }
    writeFileSync(join(folder, 'tokenizer.json'), jsonText({ ...nano, normalizer }))
  }
}

const config: Write = (folder, chance) => {
  backbone(folder)
  writeFileSync(join(folder, 'config.json'), mutatedText(json(fixture('t5-tiny', 'config.json')), jsonText, chance))
}

const safetensors: Write = (folder, chance) => {
  backbone(folder)
  const bytes = readFileSync(fixture('t5-tiny', 'model.safetensors'))
  writeFileSync(
    join(folder, 'model.safetensors'),
    chance.below(2) === 0 ? mutatedBytes(bytes, chance) : withHeader(bytes, chance),
  )
}

function withHeader(bytes: Buffer, chance: Chance): Buffer {
  const end = 8 + Number(bytes.readBigUInt64LE(0))
  const header = mutatedText(JSON.parse(bytes.toString('utf8', 8, end)), jsonText, chance)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, bytes.subarray(end)])
}

const run: Write = (folder, chance) => {
  writeRun(join(folder, 'run'), { steps: 12, predictions: [{ row: 1, target: 'good', prediction: 'bad' }] })
  cpSync(fixture('t5-tiny', 'adapter.safetensors'), join(folder, 'run', 'best.safetensors'))
  const file = join(
    folder,
    'run',
    chance.of([
      'experiment.yaml',
      'manifest.json',
      'result.json',
      'metrics.jsonl',
      'predictions.jsonl',
      'best.safetensors',
    ]),
  )
  const bytes = readFileSync(file)
  const isJson = /(manifest|result)\.json$/.test(file)
  writeFileSync(
    file,
    isJson ? mutatedText(JSON.parse(bytes.toString()), jsonText, chance) : mutatedBytes(bytes, chance),
  )
}

const stateDict = readFileSync(fixture('export', 'state_dict.bin'))

const zip: Write = (folder, chance) => writeFileSync(join(folder, 'state.bin'), mutatedBytes(stateDict, chance))

const storages = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x/data/${i}`, Buffer.alloc(64)]))

/** Instructions that a pickle may have, and some that it may not. */
const OPCODES = Buffer.from('}])(NtQRbsuqrhjcXKMJ.0a\x85\x86\x87\x88\x89\x8a\x8c\x93\x94\x95i\x81', 'latin1')

const pickle: Write = (folder, chance) => {
  const begin = stateDict.indexOf(Buffer.from([0x80, 2]))
  const own = stateDict.subarray(begin, stateDict.indexOf('PK\x07\x08', begin, 'latin1'))
  const random = Buffer.from(
    Array.from({ length: chance.below(200) }, () =>
      chance.below(4) === 0 ? chance.below(8) : chance.of([...OPCODES]),
    ),
  )
  const data =
    chance.below(2) === 0
      ? mutatedBytes(own, chance)
      : Buffer.concat([Buffer.from([0x80, 2]), random, Buffer.from('.')])
  writeFileSync(join(folder, 'state.bin'), zipFile({ 'x/data.pkl': data, ...storages }))
}

const experiment: Write = (folder, chance) => {
  writeFileSync(join(folder, 'rows.jsonl'), lines(ROWS))
  const write = (value: unknown) => (chance.below(3) === 0 ? jsonText(value) : yamlText(value))
  writeFileSync(join(folder, 'trial.yaml'), mutatedText(EXPERIMENT, write, chance))
}

const writers: Record<Kind, Write> = {
  ...{ experiment, parquet, config, tokenizer, safetensors, run, zip, pickle },
  csv: rows(table(',', quoted)),
  tsv: rows(table('\t', (value) => String(value ?? '').replace(/[\t\n]/g, ' '))),
  jsonl: rows(lines),
  json: rows(jsonText),
}
