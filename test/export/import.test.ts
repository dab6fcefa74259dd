import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors, type WritableTensor, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { scoringInForce } from '../../src/engine/evaluate/scoring.js'
import { exportRun } from '../../src/format/export.js'
import { importRun } from '../../src/format/import.js'
import { writeTorchFile } from '../../src/format/torch/write.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { engines, useEngine } from '../support/engines.js'
import { logitsOf, makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'import-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeAll(() => useEngine(engines[0]!))

/**
 * Our names → those of the released code, written out; seq2seq/adapters and seq2seq/hypercomplex of rabeehk/compacter.
 */
function referenceNames(name: string): string[] {
  const [stack, layer, sublayer, position, part] = name.split('.') as [string, string, string, string, string]
  if (name === 'rule') return ['phm_rule']
  if (stack !== 'encoder' && stack !== 'decoder') return [name]
  if (layer === 'block' || layer === 'final_layer_norm') return [name]
  const index = sublayer === 'attention' ? 0 : stack === 'encoder' ? 1 : 2
  const sampler = `${stack}.block.${layer}.layer.${index}.adapter_controller.adapters.rte.${position}_sampler`
  return part === 'bias'
    ? [`${sampler}.b`, `${sampler}.phm_rule`]
    : [`${sampler}.${{ s: 'W_left', t: 'W_right' }[part]}`]
}

test('a checkpoint of the released code gives the logits of the run that it was made from', async () => {
  const run = await makeRun(join(folder, 'run'), 'method=compacter', 'method.n=2', 'method.rank=2')
  const file = openSafetensors(join(run, 'best.safetensors'))
  const tensor = (name: string): WritableTensor => ({ shape: file.entries.get(name)!.shape, data: file.read(name) })
  const state = [...file.entries.keys()].flatMap((name) =>
    referenceNames(name).map((theirs): [string, WritableTensor] => [
      theirs,
      tensor(theirs.endsWith('.phm_rule') ? 'rule' : name),
    ]),
  )
  const checkpoint = join(folder, 'checkpoint')
  mkdirSync(checkpoint)
  writeTorchFile(join(checkpoint, 'pytorch_model.bin'), [
    ...state,
    ['shared.weight', { shape: [2, 2], data: new Float32Array(4) }], // the rest of the model is in there too
  ])
  const runDir = join(folder, 'imported')
  const imported = await importRun(checkpoint, {
    format: 'reference',
    backbone: 't5-nano',
    runDir,
    task: 'rotten-tomatoes',
  })
  expect(imported.method).toMatchObject({ kind: 'compacter', n: 2, rank: 2, rule: 'shared', nonlinearity: 'gelu_new' })
  expect(openTrainedRun(runDir).experiment).toMatchObject({ name: 'imported', task: { name: 'rotten-tomatoes' } })
  expect(await logitsOf(runDir)).toEqual(await logitsOf(run))
})

describe('how an imported run is scored', () => {
  const from = join(packageRoot, 'test/fixtures/peft/lora')
  const experiment = join(folder, 'base.yaml')
  const keys = 'source_length: 64, target_length: 7, scoring: rank, evaluation_batch_size: 6'
  writeFileSync(
    experiment,
    `backbone: t5-nano\nmethod: lora\ntask: rotten-tomatoes\ntraining: { steps: 5, batch_size: 4, ${keys} }\n`,
  )
  const scored = { source_length: 64, target_length: 7, scoring: 'rank', evaluation_batch_size: 6 }
  const imported = async (path: string, name: string, options: { format: 'peft'; task?: string }) => {
    const notes: string[] = []
    const runDir = join(folder, name)
    const progress = { ...silent, note: (text: string) => notes.push(text) }
    await importRun(path, { ...options, backbone: 't5-nano', runDir, progress })
    return { training: openTrainedRun(runDir).experiment.training, notes, runDir }
  }

  test('is what the experiment of --task says, and told', async () => {
    const { training, notes } = await imported(from, 'scored', { format: 'peft', task: experiment })
    expect(training).toMatchObject({ ...scored, batch_size: 100 })
    expect(notes).toEqual([
      `eval and predict use the values of training in ${experiment}: scoring rank, source_length 64, target_length 7, evaluation_batch_size 6.`,
    ])
  })

  test('is by defaults for a task preset, and told', async () => {
    const { training, notes } = await imported(from, 'by-default', { format: 'peft', task: 'rotten-tomatoes' })
    expect(training).toMatchObject({ source_length: 128, scoring: 'generate' })
    expect(notes).toEqual([
      'rotten-tomatoes is a task, so eval and predict use the defaults of training.scoring and training.source_length; --task with an experiment takes its values.',
    ])
  })

  test('is as a T5 reads the task, though the experiment has texts for an encoder', async () => {
    const texts = join(folder, 'texts.yaml')
    const task = "{ preset: rotten-tomatoes, texts: ['{text}'] }"
    writeFileSync(texts, `backbone: t5-nano\nmethod: lora\ntask: ${task}\ntraining: { steps: 5, batch_size: 4 }\n`)
    const { runDir } = await imported(from, 'with-texts', { format: 'peft', task: texts })
    const run = openTrainedRun(runDir)
    expect(run.experiment.task).not.toHaveProperty('texts')
    expect(scoringInForce(run)).toBe('generate')
  })

  test('of an export of ours is its own, until --task names another experiment', async () => {
    const run = await makeRun(
      join(folder, 'own'),
      'method=lora',
      'training.source_length=32',
      'training.target_length=5',
    )
    const out = join(folder, 'own-out')
    await exportRun(run, { format: 'peft', out, force: false, progress: silent })
    const own = await imported(out, 'own-again', { format: 'peft' })
    expect(own).toMatchObject({ training: { source_length: 32, target_length: 5 }, notes: [] })
    const other = await imported(out, 'own-elsewhere', { format: 'peft', task: experiment })
    expect(other.training).toMatchObject(scored)
    const quickstart = await imported(out, 'own-quickstart', { format: 'peft', task: 'quickstart' })
    expect(quickstart.training.target_length).toBeUndefined()
  })
})

describe('a folder of adapters', () => {
  const whole = join(folder, 'whole')
  const forged = join(folder, 'forged')
  const into = { format: 'adapterhub', backbone: 't5-nano', runDir: join(folder, 'none') } as const
  beforeAll(async () => {
    const run = await makeRun(join(folder, 'for-whole'), 'method=compacter')
    await exportRun(run, { format: 'adapterhub', out: whole, force: false, progress: silent })
  })

  const copied = (change: (config: { config: Record<string, unknown> }) => void) => {
    rmSync(forged, { recursive: true, force: true })
    mkdirSync(forged)
    for (const name of readdirSync(whole)) writeFileSync(join(forged, name), readFileSync(join(whole, name)))
    const config = JSON.parse(readFileSync(join(whole, 'adapter_config.json'), 'utf8'))
    change(config)
    writeFileSync(join(forged, 'adapter_config.json'), JSON.stringify(config))
  }
  const rewritten = (change: (tensors: Map<string, WritableTensor>) => void) => {
    copied(() => {})
    const file = openSafetensors(join(whole, 'adapter.safetensors'))
    const tensors = new Map(
      [...file.entries.values()].map(({ name, shape }) => [name, { shape, data: file.read(name) }]),
    )
    change(tensors)
    writeSafetensors(join(forged, 'adapter.safetensors'), tensors)
  }
  const ELSE = 'Is it another backbone, or another kind of adapter?'
  const RULE = 'transformer.shared_parameters.quickstart.phm_rule'

  test.each([
    [
      'another kind of adapter',
      () => copied(({ config }) => (config.architecture = 'lora')),
      'adapter_config.json: config.architecture: Invalid input: expected null, received string. Only bottleneck adapters are read.',
    ],
    [
      "the library's own residual",
      () => copied(({ config }) => (config.original_ln_before = true)),
      'adapter_config.json: config.original_ln_before is true: the adapter takes other inputs than those of compacter. There is no method here that gives the same outputs.',
    ],
    [
      'a scale that is learnt',
      () => copied(({ config }) => (config.scaling = 'learned')),
      'adapter_config.json: config.scaling: a scale that is learnt is not read. Only bottleneck adapters are read.',
    ],
    [
      'a scale in front of a layer norm',
      () => copied(({ config }) => Object.assign(config, { scaling: 2, ln_after: true })),
      'adapter_config.json: config.scaling is 2, in front of config.ln_after. There is no method here that gives the same outputs.',
    ],
    [
      'a division that divides nothing',
      () => copied(({ config }) => (config.phm_dim = 7)),
      'does not make an experiment here: experiment.yaml:',
    ],
    [
      'a tensor missing',
      () => rewritten((tensors) => tensors.delete(RULE)),
      `adapter.safetensors: has no tensor ${RULE}. ${ELSE}`,
    ],
    [
      'another shape',
      () => rewritten((tensors) => tensors.set(RULE, { shape: [2, 2], data: new Float32Array(4) })),
      `adapter.safetensors: tensor ${RULE} has shape [2, 2]; [4, 4, 4] was expected. ${ELSE}`,
    ],
    [
      'a tensor too many',
      () => rewritten((tensors) => tensors.set('../../etc/passwd', { shape: [1], data: new Float32Array(1) })),
      'adapter.safetensors: has tensor ../../etc/passwd, which has no place in this method on a backbone of',
    ],
    [
      'a bomb of JSON',
      () => {
        copied(() => {})
        writeFileSync(join(forged, 'adapter_config.json'), `{"a":${'['.repeat(2e6)}`)
      },
      'adapter_config.json: has 2000005 bytes; at most 1000000 are read. Do not trust it.',
    ],
  ])('with %s is one clear error, and no run', async (_, make, expected) => {
    make()
    const message = await importRun(forged, into).then(
      () => 'imported',
      (error) => (error as Error).message,
    )
    expect(message.replace(`${forged}/`, '').replace(`${forged}: `, '')).toContain(expected)
    expect(existsSync(into.runDir)).toBe(false)
  })

  test('without our card needs a task', async () => {
    copied(() => {})
    rmSync(join(forged, 'compacter.json'))
    await expect(importRun(forged, into)).rejects.toThrow(
      `${forged}: does not tell its task. Name it with --task, such as glue/rte.`,
    )
  })

  test.each([
    ['SiLU', 'swish'],
    ['leakyrelu', 'leaky_relu'],
    ['gelu_fast', 'gelu_new'],
    ['tanh', 'tanh'],
  ])('knows the activation %s as %s', async (theirs, ours) => {
    copied(({ config }) => (config.non_linearity = theirs))
    const { method } = await importRun(forged, { ...into, runDir: join(folder, `with-${theirs}`) })
    expect(method).toMatchObject({ nonlinearity: ours })
  })

  test('with an activation that is not known here is refused', async () => {
    copied(({ config }) => (config.non_linearity = 'laplace'))
    await expect(importRun(forged, into)).rejects.toThrow(
      /method\.nonlinearity is "laplace"; it must be one of gelu_new/,
    )
  })

  test('never overwrites', async () => {
    await expect(importRun(whole, { ...into, runDir: forged })).rejects.toThrow(
      `${forged}: exists already. Choose another folder with --run-dir, or delete this one.`,
    )
  })
})
