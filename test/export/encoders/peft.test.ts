// expected: peft 0.21 itself, see test/oracle/peft_encoders.py and export_encoder_logits.py
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { importRun } from '../../../src/format/import.js'
import { openTrainedRun } from '../../../src/run/trained_run.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { python } from '../in_pytorch.js'
import { makeRun } from '../made_run.js'
import { type ExportCase, exportFolder } from './export_folder.js'
import { encoderLogitsInPyTorch, printedByReadmes } from './in_transformers.js'
import {
  ENCODERS,
  type EncoderType,
  encoderLogits,
  makeEncoder,
  sevenLabels,
  TASKS,
  tinyEncoder,
} from './made_encoder.js'

const { folder, inFolder, outOf, runOf, exported, makeExports } = exportFolder('peft')

const LORA = ['method=lora', 'method.alpha=2']
const cases = [
  ...ENCODERS.map((on) => ({
    name: `lora on ${on}`,
    on,
    sets: on === 'modernbert' ? [...LORA, 'method.targets=[qkv, wo]', 'method.train_layer_norms=true'] : LORA,
    task: 'labels' as const,
  })),
  { name: 'without a pooler', on: 'bert-without', sets: [...LORA, 'method.train_layer_norms=true'], task: 'labels' },
  { name: 'dora', on: 'distilbert', sets: ['method=dora', 'method.alpha=2', 'method.targets=[k, wo]'], task: 'number' },
  { name: 'ia3', on: 'electra', sets: ['method=ia3'], task: 'number' },
  { name: 'lokr', on: 'roberta', sets: ['method=lokr', 'method.decompose_factor=4'], task: 'labels' },
  { name: 'vera', on: 'bert', sets: ['method=vera', 'method.rank=8', 'method.targets=[q, wo]'], task: 'labels' },
  { name: 'layer norms', on: 'bert', sets: ['method=layer-norm-tuning'], task: 'labels' },
  { name: 'layer norms of modernbert', on: 'modernbert', sets: ['method=layer-norm-tuning'], task: 'number' },
  { name: 'tags', on: 'roberta', sets: LORA, task: 'tags' },
  { name: 'choice', on: 'electra', sets: LORA, task: 'choice' },
  { name: 'choice of distilbert', on: 'distilbert', sets: LORA, task: 'choice' },
  { name: 'choice without a pooler', on: 'roberta-without', sets: LORA, task: 'choice' },
] as ExportCase[]

beforeAll(async () => {
  await useEngine(engines[0]!)
  for (const type of ENCODERS) makeEncoder(inFolder(type), type)
  for (const type of ['bert', 'roberta'] as const) makeEncoder(inFolder(`${type}-without`), type, { pooler: false })
  await makeExports(cases)
}, 300_000)

test.each(cases)('$name is imported again to the bit, with its task', async ({ name, on }) => {
  const runDir = inFolder(name, 'again')
  await importRun(outOf(name), { format: 'peft', backbone: inFolder(on), runDir })
  expect(await encoderLogits(runDir)).toEqual(await encoderLogits(runOf(name)))
  expect(openTrainedRun(runDir).experiment.task).toEqual(openTrainedRun(runOf(name)).experiment.task)
})

test.skipIf(!python)('all give the same logits in peft to 1e-4', { timeout: 300_000 }, async () => {
  const exports = cases.map(({ name, on, task }) => ({
    ...{ format: 'peft', out: outOf(name), head: task, backbone: inFolder(on) },
  }))
  for (const [i, logits] of encoderLogitsInPyTorch(exports).entries()) {
    const { name } = cases[i]!
    expectClose(logits, await encoderLogits(runOf(name)), { relative: 1e-4, name: `logits of ${name}` })
  }
})

test.skipIf(!python)('the READMEs have Python that prints what the head says', { timeout: 300_000 }, () => {
  const printed = printedByReadmes(['lora on roberta', 'dora', 'choice of distilbert'].map(outOf))
  expect(printed).toEqual([
    expect.stringMatching(/^(negative|positive|both)$/),
    expect.stringMatching(/^-?\d+\.\d+$/),
    '…',
  ])
})

test.each([
  ['lora on bert', 'SEQ_CLS', ['classifier']],
  [
    'without a pooler',
    'SEQ_CLS',
    expect.arrayContaining(['bert.embeddings.LayerNorm', 'bert.pooler.dense', 'classifier']),
  ],
  ['lora on roberta', 'SEQ_CLS', ['classifier']],
  ['lora on distilbert', 'SEQ_CLS', ['pre_classifier', 'classifier']],
  ['layer norms of modernbert', 'SEQ_CLS', ['head', 'classifier']],
  ['choice', null, ['sequence_summary', 'classifier']],
])('%s has the task %s and saves the modules of the head', (name, task_type, modules_to_save) => {
  const config = JSON.parse(readFileSync(join(outOf(name), 'adapter_config.json'), 'utf8'))
  expect(config).toMatchObject({ task_type, modules_to_save })
})

describe('adapters that peft has trained on an encoder', () => {
  const fixture = (name: string) => join(packageRoot, 'test/fixtures/peft/encoders', name)

  test.each([
    ['bert', 'lora', { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'v'] }],
    ['roberta', 'dora', { kind: 'lora', rank: 3, targets: ['k', 'wi'], magnitudes: true, train_layer_norms: true }],
    ['distilbert', 'ia3', { kind: 'ia3', targets: ['k', 'wo'], scaled_inputs: ['wo'] }],
    ['modernbert', 'lora', { kind: 'lora', rank: 2, alpha: 4, targets: ['qkv', 'wo'] }],
    ['electra', 'lokr', { kind: 'lokr', rank: 2, alpha: 3, targets: ['q', 'v'] }],
    ['xlm-roberta', 'vera', { kind: 'vera', rank: 4, projection_seed: 11, targets: ['q', 'v'] }],
    ['bert', 'layer-norms', { kind: 'layer_norm_tuning' }],
  ] as [EncoderType, string, object][])(
    '%s: %s gives the logits and the count that it has there',
    async (type, kind, method) => {
      const name = `${type}-${kind}`
      const backbone = tinyEncoder(inFolder(`${name}-backbone`), type)
      const runDir = inFolder(`${name}-run`)
      const imported = await importRun(fixture(name), { format: 'peft', backbone, runDir, task: sevenLabels(folder) })
      expect(imported.method).toMatchObject(method)
      const file = openSafetensors(join(fixture(name), 'logits.safetensors'))
      expect(imported.trained_parameters).toBe(Number(file.metadata.trained_parameters))
      const [ids, mask] = [file.readInts('input_ids'), file.readInts('attention_mask')]
      const types = file.entries.has('token_type_ids') ? file.readInts('token_type_ids') : mask
      const ours = await encoderLogits(runDir, { ids, mask, types, length: file.entries.get('input_ids')!.shape[1]! })
      expectClose(ours, file.read('logits'), { relative: 1e-4, name: `logits of ${name}` })
      file.close()
    },
  )

  test('are refused where a part of the head is not in the file, and where the rows of the head are not the labels', async () => {
    const copy = inFolder('half')
    cpSync(fixture('distilbert-ia3'), copy, { recursive: true })
    const file = openSafetensors(join(fixture('distilbert-ia3'), 'adapter_model.safetensors'))
    const kept = [...file.entries.values()].filter(({ name }) => !name.includes('pre_classifier'))
    const tensors = kept.map(({ name, shape }) => [name, { shape, data: file.read(name) }] as const)
    writeSafetensors(join(copy, 'adapter_model.safetensors'), tensors)
    file.close()
    const options = { format: 'peft', backbone: tinyEncoder(inFolder('half-backbone'), 'distilbert') } as const
    await expect(importRun(copy, { ...options, runDir: inFolder('none'), task: sevenLabels(folder) })).rejects.toThrow(
      'has no tensor pre_classifier.weight, which is of the head. Train and save the whole head: ' +
        'modules_to_save=["pre_classifier", "classifier"].',
    )
    const two = { ...options, runDir: inFolder('none'), task: 'glue/mrpc' }
    await expect(importRun(fixture('distilbert-ia3'), two)).rejects.toThrow(
      'tensor classifier.weight has shape [7, 24]; [2, 24] was expected.',
    )
  })
})

test.each([
  [['method=bitfit'], 'peft trains biases only beside its own layers.'],
  [['method=prompt-tuning-r'], 'peft puts a prompt in front of the first token'],
  [
    ['method=prefix-tuning'],
    'peft gives prefixes to models that keep keys and values of past tokens, as no encoder does.',
  ],
])('%s is refused with the reason and the formats that do work', async (sets, reason) => {
  const run = await makeRun(inFolder(`refused ${sets}`), `backbone=${inFolder('bert')}`, ...TASKS.labels, ...sets)
  await expect(exported(run, inFolder('none'))).rejects.toThrow(`--format peft: ${reason}`)
})
