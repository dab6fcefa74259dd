import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { contextual, headLogits } from '../../../src/backbone/forward.js'
import type { Pass } from '../../../src/backbone/pass.js'
import { backboneTensors, onlyEncoder, parseConfig, readsSegments } from '../../../src/backbone/registry.js'
import { normalArray } from '../../../src/base/numbers/random.js'
import { silent } from '../../../src/base/progress.js'
import { packageRoot } from '../../../src/base/root.js'
import { elements, type WritableTensor, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { loadTrained } from '../../../src/engine/model/checkpoint.js'
import { disposeModel, evaluationPass } from '../../../src/engine/model/model.js'
import { prepareBackbone, prepareModel } from '../../../src/engine/prepare/prepare.js'
import { openTrainedRun } from '../../../src/run/trained_run.js'
import tf from '../../../src/tensor/tf.cjs'

export const ENCODERS = ['bert', 'roberta', 'xlm-roberta', 'electra', 'distilbert', 'deberta-v2', 'modernbert'] as const
export type EncoderType = (typeof ENCODERS)[number]

/** Nobody reads its rows. */
const ROWS_FILE = join(packageRoot, 'configs/tasks/rotten-tomatoes/test.jsonl')

/** What makes a run of three labels, of a number, or of a choice. */
export const TASKS = {
  labels: ['task.labels.0=negative', 'task.labels.1=positive', 'task.labels.2=both', 'task.texts=["{text}"]'],
  number: ['task=glue/stsb', 'task.texts=["{sentence1}", "{sentence2}"]'],
  tags: [
    `task=${JSON.stringify({
      ...{ kind: 'token_classification', name: 'tags', train: ROWS_FILE, validation: ROWS_FILE, test: ROWS_FILE },
      labels: { 0: 'O', 1: 'B-X', 2: 'I-X' },
    })}`,
  ],
  choice: [
    `task=${JSON.stringify({
      ...{
        kind: 'multiple_choice',
        name: 'choices',
        train: ROWS_FILE,
        validation: ROWS_FILE,
        test: ROWS_FILE,
      },
      ...{ prompt: '{question}', texts: ['{question}'], choices: ['one', 'two'] },
    })}`,
  ],
}

/**
 * The tests' small encoder of that type, as test/oracle/encoders.py made it, with a tokenizer of words that nobody
 * uses.
 */
export function tinyEncoder(folder: string, type: EncoderType): string {
  cpSync(join(packageRoot, 'test/fixtures', `${type}-tiny`), folder, { recursive: true })
  const { pad_token_id: pad } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  const special: Record<number, string> = { 2: '[CLS]', 3: '[SEP]', [pad]: '[PAD]', 7: '[UNK]' }
  const vocab = Object.fromEntries(Array.from({ length: 90 }, (_, id) => [special[id] ?? `w${id}`, id]))
  const tokenizer = {
    version: '1.0',
    added_tokens: [],
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: '[PAD]' }))
  return folder
}

/**
 * An encoder of made-up weights with the dimensions of the tests' small one of that type, and the bundled BERT's
 * tokenizer; `pooler` says whether the weights have one, `biased` whether all modules have biases, where a model of the
 * type may lack them.
 */
export function makeEncoder(folder: string, type: EncoderType, { pooler = true, biased = false } = {}): string {
  mkdirSync(folder, { recursive: true })
  const own = readFileSync(join(packageRoot, 'test/fixtures', `${type}-tiny`, 'config.json'), 'utf8')
  const changed = { vocab_size: 8002, pad_token_id: 0, max_position_embeddings: 160 }
  // as text: JavaScript would write 1.0 as 1, which transformers refuses
  const json = Object.entries(changed).reduce(
    (text, [key, value]) => text.replace(new RegExp(`("${key}": )\\d+`), `$1${value}`),
    biased ? own.replace(/("(?:attention|mlp|norm)_bias": )false/g, '$1true') : own,
  )
  const tensors = [...backboneTensors(parseConfig(JSON.parse(json), folder))].filter(
    ([name]) => pooler || !name.includes('pooler'),
  )
  const weights = tensors.map(([name, { shape, role }], i): [string, WritableTensor] => {
    const data = normalArray(elements(shape), 100 + i, role === 'table' || role === 'position' ? 0.7 : 0.2)
    return [name, { shape, data: role === 'norm' ? data.map((value) => 1 + value) : data }]
  })
  writeSafetensors(join(folder, 'model.safetensors'), weights, { format: 'pt' })
  writeFileSync(join(folder, 'config.json'), json)
  const nano = join(packageRoot, 'configs/backbones/bert-nano')
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(nano, name), join(folder, name))
  return folder
}

/** Writes an experiment of seven labels, as the tests' small encoders have them; returns its file. */
export function sevenLabels(folder: string): string {
  const file = join(folder, 'seven.yaml')
  const labels = JSON.stringify(Object.fromEntries(Array.from({ length: 7 }, (_, i) => [i, `${i}`])))
  writeFileSync(
    file,
    `name: seven
backbone: t5-nano
method: lora
task: { preset: rotten-tomatoes, labels: ${labels} }
training: { epochs: 1, source_length: 16 }
`,
  )
  return file
}

/** Token ids, what is a token, and the text of a pair that it is of, each [rows, length]. */
export interface Rows {
  ids: Int32Array
  mask: Int32Array
  types: Int32Array
  length: number
}

const IDS = Int32Array.from([
  ...[2, 40, 7, 88, 3, 51, 3],
  ...[2, 52, 33, 3, 0, 0, 0],
  ...[2, 9, 3, 77, 61, 3, 0],
  ...[2, 4000, 8001, 15, 22, 3, 0],
])
/** Rows padded with 0; two of them are pairs. */
export const rows: Rows = {
  ids: IDS,
  mask: IDS.map((id) => Number(id !== 0)),
  types: Int32Array.from([
    ...[0, 0, 0, 0, 0, 1, 1],
    ...[0, 0, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 1, 1, 1, 0],
    ...[0, 0, 0, 0, 0, 0, 0],
  ]),
  length: 7,
}

/** Logits of those rows without those of padding, of which a model may make anything. */
export function atTokens(logits: ArrayLike<number>, task: keyof typeof TASKS): number[] {
  const each = logits.length / rows.mask.length
  return Array.from(logits).filter((_, i) => task !== 'tags' || rows.mask[Math.floor(i / each)] === 1)
}

/** The logits of a pass with a head, row by row. */
function logitsOfPass(pass: Pass, { ids, mask, types, length }: Rows): tf.Tensor2D {
  const { head } = onlyEncoder(pass.config)
  const int = (values: Int32Array) => tf.tensor2d(values, [values.length / length, length], 'int32')
  const segments = readsSegments(pass.config) ? { segments: int(types) } : {}
  return headLogits(pass, contextual(pass, { ids: int(ids), mask: int(mask), ...segments }, head!), head!)
}

/** The logits of a run or an exported safetensors folder, on the engine that is set. */
export async function encoderLogits(folder: string, of: Rows = rows): Promise<Float32Array> {
  const { experiment, tensors } = openTrainedRun(folder)
  const backbone = await prepareBackbone(experiment, silent)
  const model = prepareModel(experiment, backbone, silent)
  const vector = tf.tensor1d(loadTrained(tensors, model))
  const { pass, dispose } = evaluationPass(model, vector)
  const logits = tf.tidy(() => logitsOfPass(pass, of))
  const values = (await logits.data()) as Float32Array
  dispose()
  disposeModel(model)
  tf.dispose([vector, logits])
  backbone.files.close()
  return values
}
