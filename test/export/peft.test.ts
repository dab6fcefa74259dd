// expected: peft 0.21 itself, see test/oracle/peft_adapters.py and export_logits.py
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { exportRun } from '../../src/format/export.js'
import { importRun } from '../../src/format/import.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { logitsInPyTorch, python } from './in_pytorch.js'
import { logitsOf, makeBackbone, makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'peft-'))
afterAll(() => rmSync(folder, { recursive: true }))
const v11 = join(folder, 'v1.1')
beforeAll(async () => {
  await useEngine(engines[0]!)
  await makeBackbone(v11)
})

const exported = (run: string, out: string) => exportRun(run, { format: 'peft', out, force: false, progress: silent })
const into = (name: string) => ({ format: 'peft', runDir: join(folder, name), task: 'rotten-tomatoes' }) as const

const onV11 = `backbone=${v11}`
// values of a made-up run are large: with the presets' alpha softmax saturates, and rounding grows beyond any tolerance
const cases = [
  ['lora', ['method=lora', 'method.alpha=2'], 't5-nano'],
  ['lora with norms', ['method=lora', 'method.targets=all', 'method.train_layer_norms=true'], 't5-nano'],
  ['lora of the tied head', ['method=lora', 'method.targets=[o, lm_head]'], 't5-nano'],
  [
    'lora in some layers',
    ['method=lora', 'method.placement.decoder_layers=1-', 'method.rank_stabilised=true', 'method.alpha=1'],
    't5-nano',
  ],
  ['dora', ['method=dora', 'method.targets=[k, wi, wo]'], 't5-nano'],
  ['dora on T5 v1.1', ['method=dora', 'method.targets=all', onV11], v11],
  ['lora with the head on T5 v1.1', ['method=lora', 'method.train_lm_head=true', onV11], v11],
  ['lokr', ['method=lokr', 'method.targets=[q, v, wo]', 'method.rank=2'], 't5-nano'],
  ['lokr of whole and low-rank factors', ['method=lokr', 'method.targets=[q, wo]', 'method.alpha=2'], 't5-nano'],
  ['lokr of both factors on T5 v1.1', ['method=lokr', 'method.rank=2', 'method.decompose_both=true', onV11], v11],
  ['vera', ['method=vera', 'method.rank=8', 'method.targets=[q, wo]', 'method.projection_seed=5'], 't5-nano'],
  [
    'vera with the norms on T5 v1.1',
    ['method=vera', 'method.rank=6', 'method.targets=all', 'method.train_layer_norms=true', onV11],
    v11,
  ],
  ['ia3', ['method=ia3'], 't5-nano'],
  [
    'ia3 of other products on T5 v1.1',
    ['method=ia3', 'method.targets=[q, wi_0, o]', 'method.scaled_inputs=[o]', 'method.train_layer_norms=true', onV11],
    v11,
  ],
  ['layer norms', ['method=layer-norm-tuning'], 't5-nano'],
  ['prompts', ['method=prompt-tuning-r', 'method.length=7'], 't5-nano'],
] as const

describe.each(cases)('%s, exported for peft', (name, sets, backbone) => {
  const [run, out] = [join(folder, name, 'run'), join(folder, name, 'out')]
  beforeAll(async () => {
    await makeRun(run, ...sets)
    await exported(run, out)
  })

  test('is imported again to the bit', async () => {
    const { runDir } = into(`${name}/again`)
    await importRun(out, { format: 'peft', backbone, runDir })
    expect(await logitsOf(runDir)).toEqual(await logitsOf(run))
  })

  test.skipIf(!python)('gives the same logits in peft to 1e-4', { timeout: 300_000 }, async () => {
    const at = backbone === 't5-nano' ? {} : { backbone }
    const [logits] = await logitsInPyTorch([{ format: 'peft', out, ...at }])
    expectClose(logits!, await logitsOf(run), { relative: 1e-4, name: `logits of ${name}` })
  })
})

describe('adapters that peft has trained', () => {
  const fixture = (name: string) => join(packageRoot, 'test/fixtures/peft', name)

  test.each([
    ['lora', { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'v'], train_layer_norms: true, magnitudes: false }],
    ['dora', { kind: 'lora', rank: 3, targets: ['k', 'wi'], rank_stabilised: true, magnitudes: true }],
    ['lora-head', { kind: 'lora', targets: ['o', 'lm_head'], dropout: 0.1 }],
    ['lokr', { kind: 'lokr', rank: 4, alpha: 6, targets: ['q', 'v'], decompose_factor: 8 }],
    ['vera', { kind: 'vera', rank: 4, dropout: 0.1, projection_seed: 11, targets: ['q', 'wo'] }],
    ['ia3', { kind: 'ia3', targets: ['k', 'v', 'wo'], scaled_inputs: ['wo'] }],
    ['layer-norms', { kind: 'layer_norm_tuning' }],
  ])('%s gives the logits and the count that it has there', async (name, method) => {
    const { runDir, ...options } = into(`trained ${name}`)
    const imported = await importRun(fixture(name), { ...options, backbone: 't5-nano', runDir })
    expect(imported.method).toMatchObject(method)
    const file = openSafetensors(join(fixture(name), 'logits.safetensors'))
    const { shape } = file.entries.get('logits')!
    expect(imported.trained_parameters).toBe(Number(file.metadata.trained_parameters))
    const [rows, columns] = [shape[0]! * shape[1]!, shape[2]!]
    const all = await logitsOf(runDir)
    const ours = Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns]
      return all[(row * all.length) / rows + column]!
    })
    expectClose(ours, file.read('logits'), { relative: 1e-4, name: `logits of ${name}` })
    file.close()
  })

  const changed = (name: string, change: (config: Record<string, unknown>) => void) => {
    const copy = join(folder, 'changed')
    rmSync(copy, { recursive: true, force: true })
    cpSync(fixture(name), copy, { recursive: true })
    const config = JSON.parse(readFileSync(join(copy, 'adapter_config.json'), 'utf8'))
    change(config)
    writeFileSync(join(copy, 'adapter_config.json'), JSON.stringify(config))
    return copy
  }
  const importing = (from: string) => importRun(from, { ...into('none'), backbone: 't5-nano' })

  test.each([
    [{ peft_type: 'LOHA' }, 'peft_type is "LOHA"; it must be one of LORA, LOKR, VERA, IA3, LN_TUNING, PROMPT_TUNING.'],
    [
      { rank_pattern: { q: 4 } },
      'rank_pattern is {"q":4}; it is not read here. Train it again with one r and one alpha for all products.',
    ],
    [
      { alpha_pattern: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`q${i}`, 4])) },
      'alpha_pattern has a value that is not read here. Train it again with one r and one alpha for all products.',
    ],
    [{ bias: 'all' }, `bias is "all"; it must be none. Train it again with bias='none'.`],
    [
      { init_lora_weights: 'pissa' },
      'init_lora_weights is "pissa"; it changes the backbone. Save it with path_initial_model_for_weight_conversion, ' +
        'which makes a LoRA of the unchanged backbone.',
    ],
    [{ use_qalora: true }, 'use_qalora is true; it is not read here. Train it again without use_qalora.'],
    [{ r: undefined }, 'It has no r.'],
  ])('are refused where they are of a kind that is not read: %j', async (keys, problem) => {
    const from = changed('lora', (config) => Object.assign(config, keys))
    const message = `${join(from, 'adapter_config.json')}: ${problem}`
    await expect(importing(from)).rejects.toSatisfy(({ message: told }) => told === message, message)
  })

  test.each([
    [
      'lora',
      'bert-nano',
      'was made for a model of the family t5 (auto_mapping.base_model_class is T5ForConditionalGeneration), trained ' +
        'on t5-nano; the backbone here is of the family bert.',
    ],
    [
      'encoders/bert-lora',
      't5-nano',
      'was made for an encoder with a head (task_type is SEQ_CLS), trained on bert-tiny; the backbone here is of the ' +
        'family t5.',
    ],
  ])('are refused on a backbone of another family: %s on %s', async (name, backbone, problem) => {
    const at = join(fixture(name), 'adapter_config.json')
    await expect(importRun(fixture(name), { ...into('none'), backbone })).rejects.toThrow(
      `${at}: ${problem} Name the backbone that it was trained on with --backbone.`,
    )
  })

  test('that decode are refused on an encoder where only their task tells it', async () => {
    const from = changed('lora', (config) => Object.assign(config, { auto_mapping: null, task_type: 'SEQ_2_SEQ_LM' }))
    await expect(importRun(from, { ...into('none'), backbone: 'bert-nano' })).rejects.toThrow(
      'was made for a model that decodes (task_type is SEQ_2_SEQ_LM), trained on t5-nano; the backbone here is of the',
    )
  })

  test('are refused where they trained the head of a T5 whose head is the embedding table', async () => {
    const from = changed('lora', () => {})
    const path = join(from, 'adapter_model.safetensors')
    const file = openSafetensors(path)
    const tensors = [...file.entries.values()].map(
      ({ name, shape }) => [name, { shape, data: file.read(name) }] as const,
    )
    file.close()
    const head = { shape: [2, 3], data: new Float32Array(6) }
    writeSafetensors(path, [...tensors, ['base_model.model.lm_head.weight', head]])
    await expect(importing(from)).rejects.toThrow(
      `${path}: has tensor lm_head.weight: the trained head is the embedding table of this T5, which peft does not ` +
        'keep in all places where T5 uses it. Train it again without lm_head in modules_to_save; target_modules of ' +
        'LoRA may name it.',
    )
  })

  test.each([
    ['t5-nano', 0],
    ['/data/models/t5-nano/', 0],
    ['someone/T5-nano', 0],
    ['C:\\models\\t5-nano', 0],
    ['/cache/models--someone--t5-nano/snapshots/0123', 0],
    ['/data/t5-nano-finetuned', 1],
    ['google-t5/t5-small', 1],
  ])('of the model %s are imported onto t5-nano with %i warnings', async (named, count) => {
    const from = changed('lora', (config) => Object.assign(config, { base_model_name_or_path: named }))
    const warnings: string[] = []
    const progress = { ...silent, warn: (text: string) => warnings.push(text) }
    const runDir = join(folder, `onto ${named.replaceAll(/\W/g, '_')}`)
    await importRun(from, { ...into('none'), backbone: 't5-nano', runDir, progress })
    expect(warnings).toEqual(
      Array(count).fill(
        `${from} names ${named} as the model that it was trained on; the backbone here is t5-nano. If these are other ` +
          'weights, its scores mean nothing: name that model with --backbone then.',
      ),
    )
  })

  test.each([
    [
      { save_projection: false },
      'adapter_config.json',
      'save_projection is false; it must be true. peft does not promise that projections drawn anew are the same. Save with save_projection=True.',
    ],
    [
      { projection_prng_key: 12 },
      'adapter_model.safetensors',
      'tensor base_model.vera_A is not what projection_prng_key 12 draws, as a run here does. Keep the projections as peft draws them, in float32.',
    ],
    [
      { r: 3 },
      'adapter_model.safetensors',
      'tensor base_model.vera_A has the shape [4, 1024]; these products need [3, 1024]. Save each adapter from a model of its own.',
    ],
  ])('are refused where their projections are not those of the key: %j', async (keys, file, problem) => {
    const from = changed('vera', (config) => Object.assign(config, keys))
    await expect(importing(from)).rejects.toThrow(`${join(from, file)}: ${problem}`)
  })

  test('are refused where the projections are not in the file', async () => {
    const from = changed('vera', () => {})
    const file = openSafetensors(join(fixture('vera'), 'adapter_model.safetensors'))
    const kept = [...file.entries.values()].filter(({ name }) => name !== 'base_model.vera_B')
    const tensors = kept.map(({ name, shape }) => [name, { shape, data: file.read(name) }] as const)
    writeSafetensors(join(from, 'adapter_model.safetensors'), tensors)
    file.close()
    await expect(importing(from)).rejects.toThrow(
      'tensor base_model.vera_B is missing. Save with save_projection=True.',
    )
  })

  test('are refused where sublayers have different products', async () => {
    const from = changed('lora', () => {})
    const file = openSafetensors(join(fixture('lora'), 'adapter_model.safetensors'))
    const kept = [...file.entries.values()].filter(
      ({ name }) => !name.includes('decoder.block.2.layer.1.EncDecAttention.v'),
    )
    writeSafetensors(
      join(from, 'adapter_model.safetensors'),
      kept.map(({ name, shape }) => [name, { shape, data: file.read(name) }]),
    )
    file.close()
    await expect(importing(from)).rejects.toThrow('changes v in some sublayers and not in decoder.2.cross_attention')
  })
})

test.each([
  ['compacter', ['method=compacter'], 'peft has no adapters behind sublayers.'],
  ['bitfit', ['method=bitfit'], 'peft has no biases that are added to a backbone without any.'],
  [
    'prefix-tuning',
    ['method=prefix-tuning'],
    'prefixes of peft never reach the encoder of a T5, and in its decoder they have position biases.',
  ],
  ['full', ['method=full'], 'peft holds what is added to a backbone; this method changes all of its weights.'],
  [
    'lora with the tied head',
    ['method=lora', 'method.train_lm_head=true'],
    'the trained head is the embedding table of this T5, which peft does not keep in all places where T5 uses it.',
  ],
])('%s is refused with the reason and the formats that do work', async (name, sets, reason) => {
  const run = await makeRun(join(folder, `refused ${name}`), ...sets)
  await expect(exported(run, join(folder, 'none'))).rejects.toThrow(
    `--format peft: ${reason} Formats that hold this method: safetensors`,
  )
})
