// expected: adapters 1.2 itself, see test/oracle/adapterhub_encoders.py and export_encoder_logits.py
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { importRun } from '../../../src/format/import.js'
import { openTrainedRun } from '../../../src/run/trained_run.js'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { makeRun } from '../made_run.js'
import { type ExportCase, exportFolder } from './export_folder.js'
import { encoderLogitsInPyTorch, printedByReadmes } from './in_transformers.js'
import { type EncoderType, encoderLogits, makeEncoder, sevenLabels, TASKS, tinyEncoder } from './made_encoder.js'

/** A Python with adapters 1.2 and the transformers 4.57 that it needs; tests that need one are left out without it. */
const python = process.env.COMPACTER_ADAPTERS_PYTHON

const { folder, inFolder, outOf, runOf, exported, makeExports } = exportFolder('adapterhub')

const ADAPTER = ['method=adapter', 'method.reduction_factor=6']
const COMPACTER = ['method=compacter', 'method.reduction_factor=3', 'method.n=4', 'method.rank=2']
const cases = [
  { name: 'adapter', on: 'bert', sets: ADAPTER, task: 'labels' },
  { name: 'adapter with norms', on: 'roberta', sets: [...ADAPTER, 'method.layer_norm=both'], task: 'labels' },
  { name: 'compacter', on: 'bert', sets: COMPACTER, task: 'number' },
  { name: 'compacter with shared blocks', on: 'electra', sets: [...COMPACTER, 'method.blocks=shared'], task: 'labels' },
  {
    ...{ name: 'parallel', on: 'distilbert', task: 'labels' },
    sets: ['method=parallel-adapter', 'method.reduction_factor=6', 'method.placement.encoder_layers=1-'],
  },
  { name: 'compacter of distilbert', on: 'distilbert', sets: COMPACTER, task: 'choice' },
  { name: 'compacter of deberta', on: 'deberta-v2', sets: COMPACTER, task: 'labels' },
  { name: 'tags', on: 'bert', sets: ADAPTER, task: 'tags' },
  { name: 'choice', on: 'bert', sets: ADAPTER, task: 'choice' },
  { name: 'choice without a pooler', on: 'xlm-roberta-without', sets: ADAPTER, task: 'choice' },
] as ExportCase[]

beforeAll(async () => {
  await useEngine(engines[0]!)
  for (const type of ['bert', 'roberta', 'electra', 'distilbert', 'deberta-v2', 'modernbert'] as const)
    makeEncoder(inFolder(type), type)
  makeEncoder(inFolder('xlm-roberta-without'), 'xlm-roberta', { pooler: false })
  await makeExports(cases)
}, 300_000)

test.each(cases)('$name is imported again to the bit, with its task', async ({ name, on }) => {
  const runDir = inFolder(name, 'again')
  await importRun(outOf(name), { format: 'adapterhub', backbone: inFolder(on), runDir })
  expect(await encoderLogits(runDir)).toEqual(await encoderLogits(runOf(name)))
  expect(openTrainedRun(runDir).experiment.task).toEqual(openTrainedRun(runOf(name)).experiment.task)
})

test.skipIf(!python)('all give the same logits in the library to 1e-4', { timeout: 300_000 }, async () => {
  const exports = cases.map(({ name, on, task }) => ({
    ...{ format: 'adapterhub', out: outOf(name), head: task, backbone: inFolder(on) },
  }))
  for (const [i, logits] of encoderLogitsInPyTorch(exports, python).entries()) {
    const { name } = cases[i]!
    expectClose(logits, await encoderLogits(runOf(name)), { relative: 1e-4, name: `logits of ${name}` })
  }
})

test.skipIf(!python)('the READMEs have Python that prints what the head says', { timeout: 300_000 }, () => {
  const printed = printedByReadmes(['adapter with norms', 'compacter', 'choice'].map(outOf), python)
  expect(printed).toEqual([
    expect.stringMatching(/^(negative|positive|both)$/),
    expect.stringMatching(/^-?\d+\.\d+$/),
    '…',
  ])
})

describe('adapters that the library has trained', () => {
  const fixture = (name: string) => join(packageRoot, 'test/fixtures/adapterhub', name)
  const shapesIn = (file: string) => {
    const { entries, close } = openSafetensors(file)
    close()
    return Object.fromEntries([...entries.values()].map(({ name, shape }) => [name, shape]))
  }
  const trained = [
    ['bert', 'adapter', { kind: 'adapter', arrangement: 'sequential', reduction_factor: 6 }],
    ['roberta', 'compacter', { kind: 'compacter', n: 4, rank: 2, rule: 'shared', nonlinearity: 'gelu' }],
    ['distilbert', 'parallel', { kind: 'adapter', arrangement: 'parallel', scale: 4 }],
    ['xlm-roberta', 'adapter', { kind: 'adapter', layer_norm: 'after', reduction_factor: 4 }],
    ['deberta-v2', 'adapter', { kind: 'adapter', nonlinearity: 'gelu', reduction_factor: 4 }],
    ['electra', 'phm', { kind: 'compacter', n: 2, rule: 'own', factors: 'full' }],
  ] as [EncoderType, string, object][]

  test.each(trained)(
    '%s: %s gives the logits that it has there, and its names when exported',
    async (type, kind, method) => {
      const name = `${type}-${kind}`
      const backbone = tinyEncoder(inFolder(`${name}-backbone`), type)
      const runDir = inFolder(`${name}-run`)
      const imported = await importRun(fixture(name), {
        format: 'adapterhub',
        backbone,
        runDir,
        task: sevenLabels(folder),
      })
      expect(imported.method).toMatchObject(method)
      const file = openSafetensors(join(fixture(name), 'logits.safetensors'))
      const [ids, mask] = [file.readInts('input_ids'), file.readInts('attention_mask')]
      const types = file.entries.has('token_type_ids') ? file.readInts('token_type_ids') : mask
      const ours = await encoderLogits(runDir, { ids, mask, types, length: file.entries.get('input_ids')!.shape[1]! })
      expectClose(ours, file.read('logits'), { relative: 1e-4, name: `logits of ${name}` })
      file.close()
      const out = inFolder(`${name}-out`)
      await exported(runDir, out)
      for (const of of ['model_head.safetensors', 'adapter.safetensors']) {
        const theirs = shapesIn(join(fixture(name), of))
        const named = Object.entries(theirs).map(([key, shape]) => [key.replace('.theirs.', `.${name}-run.`), shape])
        expect(shapesIn(join(out, of))).toEqual(Object.fromEntries(named))
      }
      const { label2id: _, ...head } = JSON.parse(readFileSync(join(fixture(name), 'head_config.json'), 'utf8'))
      const json = JSON.parse(readFileSync(join(out, 'head_config.json'), 'utf8'))
      expect(json).toMatchObject({ ...head, model_name: backbone })
    },
  )

  test.each([
    [
      'adapter_config.json',
      /"original_ln_before": false/,
      '"original_ln_before": true',
      'config.original_ln_before is true',
    ],
    ['head_config.json', /"config": null/, '"config": {}', 'config: is a head of the library itself'],
  ])('%s with %s is refused', async (file, from, to, problem) => {
    const copy = inFolder('changed')
    rmSync(copy, { recursive: true, force: true })
    cpSync(fixture('bert-adapter'), copy, { recursive: true })
    const text = readFileSync(join(copy, file), 'utf8')
    writeFileSync(join(copy, file), text.replace(from, to))
    expect(readFileSync(join(copy, file), 'utf8')).not.toBe(text)
    const backbone = tinyEncoder(inFolder('changed-backbone'), 'bert')
    const options = { format: 'adapterhub', backbone, runDir: inFolder('none'), task: sevenLabels(folder) } as const
    await expect(importRun(copy, options)).rejects.toThrow(problem)
  })

  test('are refused where the rows of the head are the labels in another order', async () => {
    const copy = inFolder('other-order')
    cpSync(fixture('bert-adapter'), copy, { recursive: true })
    const file = join(copy, 'head_config.json')
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/"LABEL_(\d)": (\d)/g, (_, a) => `"${a}": ${6 - a}`),
    )
    const backbone = tinyEncoder(inFolder('order-backbone'), 'bert')
    const options = { format: 'adapterhub', backbone, runDir: inFolder('none'), task: sevenLabels(folder) } as const
    await expect(importRun(copy, options)).rejects.toThrow(
      'the rows of its head are 6, 5, 4, 3, 2, 1, 0; the labels of the task are 0, 1, 2, 3, 4, 5, 6. Give task.labels ' +
        'in the order of the rows.',
    )
  })
})

test('a ModernBERT, which the library does not have, is refused', async () => {
  const run = await makeRun(inFolder('refused'), `backbone=${inFolder('modernbert')}`, ...TASKS.labels, ...ADAPTER)
  await expect(exported(run, inFolder('none'))).rejects.toThrow(
    '--format adapterhub: the library `adapters` has no ModernBERT. Formats that hold this method: safetensors, saved-model.',
  )
})
