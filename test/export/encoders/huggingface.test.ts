// expected: transformers itself, see test/oracle/export_encoder_logits.py
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBackbone } from '../../../src/backbone/files/weights.js'
import { silent } from '../../../src/base/progress.js'
import { exportRun } from '../../../src/format/export.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { python } from '../in_pytorch.js'
import { makeRun } from '../made_run.js'
import { encoderLogitsInPyTorch, printedByReadmes } from './in_transformers.js'
import { atTokens, ENCODERS, type EncoderType, encoderLogits, makeEncoder, TASKS } from './made_encoder.js'

const folder = mkdtempSync(join(tmpdir(), 'export-hf-encoder-'))
afterAll(() => rmSync(folder, { recursive: true }))
const inFolder = (...names: string[]) => join(folder, ...names)
beforeAll(async () => {
  await useEngine(engines[0]!)
  for (const type of ENCODERS) makeEncoder(inFolder(type), type)
  makeEncoder(inFolder('bert-without'), 'bert', { pooler: false })
  makeEncoder(inFolder('roberta-without'), 'roberta', { pooler: false })
  makeEncoder(inFolder('modernbert-biased'), 'modernbert', { biased: true })
})

const exported = (run: string, out: string) =>
  exportRun(run, { format: 'huggingface', out, force: false, progress: silent })

const LORA = ['method=lora', 'method.alpha=2']
const sequence = ENCODERS.map(
  (type) => [`lora on ${type}`, type, type === 'modernbert' ? [...LORA, 'method.targets=[qkv, wo]'] : LORA] as const,
)
const BIASES_AND_LORA = [
  'training.learning_rate=1e-3',
  'method={kind: union, methods: [{preset: bitfit, biases: [layer_norm, feed_forward]}, {preset: lora, targets: [o]}]}',
]
const methods = [
  ['full', 'bert', ['method=full']],
  ['full without a pooler', 'bert-without', ['method=full']],
  ['intrinsic', 'electra', ['method=intrinsic', 'method.dimension=300']],
  ['lora without a pooler', 'bert-without', [...LORA, 'method.targets=all']],
  ['dora', 'distilbert', ['method=dora', 'method.alpha=2', 'method.targets=[k, wo]', 'method.train_layer_norms=true']],
  ['lokr', 'roberta', ['method=lokr', 'method.targets=[q, v, wo]', 'method.decompose_factor=4']],
  ['vera', 'bert', ['method=vera', 'method.rank=8', 'method.targets=[q, wo]']],
  ['ia3', 'bert', ['method=ia3']],
  ['ia3 of inputs', 'electra', ['method=ia3', 'method.targets=[q, o]', 'method.scaled_inputs=[o]']],
  ['layer-norm-tuning', 'modernbert', ['method=layer-norm-tuning']],
  ['bitfit', 'bert', ['method=bitfit']],
  ['bitfit on distilbert', 'distilbert', ['method=bitfit']],
  ['bitfit on modernbert', 'modernbert', ['method=bitfit']],
  ['biases of attention on modernbert', 'modernbert', ['method=bitfit', 'method.biases=[attention]']],
  ['biases of norms and lora on modernbert', 'modernbert', BIASES_AND_LORA],
  ['bitfit on a modernbert with biases', 'modernbert-biased', ['method=bitfit']],
  ['full with biases', 'modernbert-biased', ['method=full']],
] as const
const cases = [...sequence, ...methods].map(([name, on, sets]) => ({ name, on, sets, task: 'labels' as const }))
const numbers = ENCODERS.map((type) => ({
  name: `number on ${type}`,
  on: type,
  sets: type === 'modernbert' ? ['method=layer-norm-tuning'] : ['method=bitfit'],
  task: 'number' as const,
}))
const chosen = [...ENCODERS, 'roberta-without'].map((on) => ({
  name: `choice on ${on}`,
  on,
  sets: ['method=layer-norm-tuning'],
  task: 'choice' as const,
}))

const CLASSES: Record<EncoderType, string> = {
  bert: 'Bert',
  roberta: 'Roberta',
  'xlm-roberta': 'XLMRoberta',
  electra: 'Electra',
  distilbert: 'DistilBert',
  'deberta-v2': 'DebertaV2',
  modernbert: 'ModernBert',
}

const HEAD_KEYS = {
  labels: {
    problem_type: 'single_label_classification',
    id2label: { 0: 'negative', 1: 'positive', 2: 'both' },
    label2id: { negative: 0, positive: 1, both: 2 },
  },
  number: { problem_type: 'regression', id2label: { 0: 'label' }, label2id: { label: 0 } },
  choice: {},
  tags: { id2label: { 0: 'O', 1: 'B-X', 2: 'I-X' }, label2id: { O: 0, 'B-X': 1, 'I-X': 2 } },
}

const ENDINGS = {
  labels: 'ForSequenceClassification',
  number: 'ForSequenceClassification',
  choice: 'ForMultipleChoice',
  tags: 'ForTokenClassification',
}

const tags = ['bert', 'deberta-v2', 'modernbert'].map((on) => ({
  name: `tags on ${on}`,
  on,
  sets: ['method=layer-norm-tuning'],
  task: 'tags' as const,
}))

const all = [...cases, ...numbers, ...chosen, ...tags]
const outOf = (name: string) => inFolder(`${name}-out`)
beforeAll(async () => {
  for (const { name, on, sets, task } of all) {
    await makeRun(inFolder(name), `backbone=${inFolder(on)}`, ...TASKS[task], ...sets)
    await exported(inFolder(name), outOf(name))
  }
}, 300_000)

test.each(all)('$name has a config.json with the class, the labels and the type of numbers', ({ name, on, task }) => {
  const out = outOf(name)
  const json = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))
  const class_ = CLASSES[on.replace(/-(without|biased)$/, '') as EncoderType]
  expect(json).toMatchObject({
    architectures: [`${class_}${ENDINGS[task]}`],
    dtype: 'float32',
  })
  const { problem_type, id2label, label2id } = json
  expect({ problem_type, id2label, label2id }).toEqual(HEAD_KEYS[task])
  expect(readdirSync(out)).toEqual(expect.arrayContaining(['README.md', 'tokenizer.json', 'model.safetensors']))
  openBackbone(out).close()
})

test.skipIf(!python)('all give the same logits in transformers to 1e-5', { timeout: 300_000 }, async () => {
  const exports = all.map(({ name, task }) => ({ format: 'huggingface', out: outOf(name), head: task }))
  for (const [i, logits] of encoderLogitsInPyTorch(exports).entries()) {
    const { name, task } = all[i]!
    const ours = atTokens(await encoderLogits(inFolder(name)), task)
    expectClose(atTokens(logits, task), ours, { relative: 1e-5, name: `logits of ${name}` })
  }
})

test.skipIf(!python)('the READMEs have Python that prints what the head says', { timeout: 300_000 }, () => {
  const printed = printedByReadmes(
    ['lora on roberta', 'number on electra', 'choice on distilbert', 'tags on bert'].map(outOf),
  )
  expect(printed).toEqual([
    expect.stringMatching(/^(negative|positive|both)$/),
    expect.stringMatching(/^-?\d+\.\d+$/),
    '…',
    expect.stringMatching(/^\['[OBI]/),
  ])
})

test.each([
  [
    'method=compacter method.reduction_factor=6',
    'bert',
    "an adapter sits behind a nonlinearity, so that it cannot be merged into the backbone's weights.",
  ],
  [
    'method=prompt-tuning-r',
    'bert',
    'the trained prompt is put among the vectors of tokens and is no weight of the backbone.',
  ],
  [
    'method=prefix-tuning',
    'bert',
    'the trained keys and values stand in front of those of attention and are no weights of the backbone.',
  ],
])('%s on %s is refused with the reason and the formats that do work', async (method, type, reason) => {
  const sets = [...method.split(' '), `backbone=${inFolder(type)}`, ...TASKS.labels]
  const run = await makeRun(inFolder(`refused ${method}`), ...sets)
  await expect(exported(run, inFolder('none'))).rejects.toThrow(
    `--format huggingface: ${reason} Formats that hold this method: safetensors`,
  )
})
