import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { exportRun } from '../../src/format/export.js'
import { foreignSafetensors } from '../../src/format/foreign.js'
import { importRun } from '../../src/format/import.js'
import { openTorchFile } from '../../src/format/torch/read.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { logitsInPyTorch, python } from './in_pytorch.js'
import { batch, logitsOf, makeBackbone, makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'export-elsewhere-'))
afterAll(() => rmSync(folder, { recursive: true }))
/** n = 2 and rank 2, where mistakes show. */
const compacter = ['method=compacter', 'method.n=2', 'method.rank=2']
const parallel = ['method=adapter', 'method.arrangement=parallel']
const trimmed = 'backbone.trim_vocabulary=true'
const v11 = join(folder, 'v1.1')
/** Of d = 24, that the bottleneck has to divide. */
const onV11 = ['method=compacter', 'method.reduction_factor=6', `backbone=${v11}`]

const cases = (
  [
    ['adapterhub', 'adapter', ['method=adapter']],
    ['adapterhub', 'adapter with norms', ['method=adapter', 'method.layer_norm=both']],
    ['adapterhub', 'adapter, scaled', ['method=adapter', 'method.scale=0.5']],
    [
      'adapterhub',
      'adapter in parallel',
      ['method=adapter', 'method.arrangement=parallel', 'method.scale=4', 'method.layer_norm=before'],
    ],
    ['adapterhub', 'compacter in parallel', [...compacter, 'method.arrangement=parallel', 'method.scale=2']],
    ['adapterhub', 'adapter in parallel with a norm after', [...parallel, 'method.layer_norm=after']],
    ['adapterhub', 'pfeiffer-adapter, leaky_relu', ['method=pfeiffer-adapter', 'method.nonlinearity=leaky_relu']],
    ['adapterhub', 'pfeiffer-adapter', ['method=pfeiffer-adapter']],
    ['adapterhub', 'compacter', compacter],
    ['adapterhub', 'compacter with a norm before', [...compacter, 'method.layer_norm=before']],
    ['adapterhub', 'compacter++', ['method=compacter++', 'method.rank=2', 'method.nonlinearity=gelu']],
    ['adapterhub', 'compacter with shared blocks', [...compacter, 'method.blocks=shared', 'method.nonlinearity=swish']],
    ['adapterhub', 'compacter with factors of the rule', ['method=compacter', 'method.rule_factors=low_rank']],
    ['adapterhub', 'compacter with a drawn rule', [...compacter, 'method.learn_rule=false']],
    [
      'adapterhub',
      'compacter in some layers',
      [...compacter, 'method.placement.encoder_layers=[0]', 'method.placement.decoder_layers=1-'],
    ],
    [
      'adapterhub',
      'compacter everywhere, no norms',
      [
        ...compacter,
        'method.placement.sublayers=[attention,cross_attention,feed_forward]',
        'method.train_layer_norms=false',
      ],
    ],
    ['adapterhub', 'phm-adapter', ['method=phm-adapter', 'method.n=2']],
    ['opendelta', 'adapter', ['method=adapter']],
    ['opendelta', 'low-rank-adapter', ['method=low-rank-adapter']],
    ['opendelta', 'low-rank-adapter, leaky_relu', ['method=low-rank-adapter', 'method.nonlinearity=leaky_relu']],
    ['opendelta', 'compacter++, mish', ['method=compacter++', 'method.nonlinearity=mish']],
    ['opendelta', 'compacter', compacter],
    ['opendelta', 'compacter++', ['method=compacter++', 'method.rank=2', 'method.nonlinearity=gelu']],
    ['opendelta', 'compacter with shared blocks', [...compacter, 'method.blocks=shared', 'method.train_lm_head=true']],
    ['opendelta', 'compacter with factors of the rule', ['method=compacter', 'method.rule_factors=low_rank']],
    [
      'opendelta',
      'compacter in some layers',
      [...compacter, 'method.placement.encoder_layers=[0]', 'method.placement.decoder_layers=1-'],
    ],
    ['opendelta', 'phm-adapter', ['method=phm-adapter', 'method.n=2']],
    ['opendelta', 'prompt-tuning-r', ['method=prompt-tuning-r', 'method.length=7']],
    ['opendelta', 'prompt-tuning-t', ['method=prompt-tuning-t', 'method.length=7']],
    ['adapterhub', 'compacter on a trimmed vocabulary', [...compacter, trimmed]],
    [
      'opendelta',
      'compacter with a head on a trimmed vocabulary',
      [...compacter, trimmed, 'method.train_lm_head=true'],
    ],
    ['adapterhub', 'compacter on T5 v1.1', [...onV11, 'method.n=2', 'method.rank=2']],
    ['opendelta', 'compacter on T5 v1.1', [...onV11, 'method.n=2', 'method.rank=2', 'method.train_lm_head=true']],
    ['opendelta', 'prompt-tuning-r on T5 v1.1', ['method=prompt-tuning-r', `backbone=${v11}`]],
  ] as const
).map(([format, name, sets]) => ({
  format,
  name,
  sets,
  backbone: name.endsWith('on T5 v1.1') ? v11 : 't5-nano',
  run: join(folder, `${format} ${name}`, 'run'),
  out: join(folder, `${format} ${name}`, 'out'),
}))

const known = new Map<string, Float32Array>()
const logitsOfRun = async (run: string) => {
  if (!known.has(run)) known.set(run, await logitsOf(run))
  return known.get(run)!
}

beforeAll(async () => {
  await useEngine(engines[0]!)
  await makeBackbone(v11)
  for (const { format, run, sets, out } of cases) {
    await makeRun(run, ...sets)
    await exportRun(run, { format, out, force: false, progress: silent })
  }
})

const names = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/export/names.json'), 'utf8'))

/** Of a state dict, without the backbone's own tensors. */
const shapesIn = (format: string, out: string): Record<string, number[]> => {
  const file =
    format === 'adapterhub'
      ? foreignSafetensors(join(out, 'adapter.safetensors'))
      : openTorchFile(join(out, 'pytorch_model.bin'))
  file.close()
  const own = [...file.tensors].filter(([name]) => !name.endsWith('layer_norm.weight'))
  return Object.fromEntries(own.map(([name, { shape }]) => [name, shape]))
}

// expected: test/oracle/export_names.py
const named = cases.filter(({ format, name }) => names[format][name])
test.each(named)('$format has the names and shapes that the library has: $name', ({ format, name, out }) => {
  expect(shapesIn(format, out)).toEqual(names[format][name])
})

test('there are names for both libraries', () => expect(named.length).toBe(10))

test('the trained layer norms are next to adapters, under the names of transformers', () => {
  const { out, run } = cases.find(({ name }) => name === 'compacter')!
  const [beside, trained] = [join(out, 'layer_norms.safetensors'), join(run, 'best.safetensors')].map(openSafetensors)
  const norms = [...trained!.entries.keys()].filter((name) => name.endsWith('layer_norm.weight'))
  expect([...beside!.entries.keys()]).toEqual(norms)
  for (const name of norms) expect(beside!.read(name), name).toEqual(trained!.read(name))
})

test.each([
  [
    'adapterhub',
    'low-rank-adapter',
    'the library `adapters` has no low-rank adapters.',
    'safetensors, opendelta, saved-model',
  ],
  [
    'adapterhub',
    'prompt-tuning-r',
    'the library `adapters` has no prompt tuning for T5.',
    'safetensors, peft, opendelta, saved-model',
  ],
  [
    'adapterhub',
    'prefix-tuning',
    'only adapters are written for the library `adapters`, no prefixes.',
    'safetensors, saved-model',
  ],
  ['opendelta', 'prefix-tuning', 'only adapters and prompts are written for OpenDelta.', 'safetensors, saved-model'],
  [
    'opendelta',
    'full',
    'only adapters and prompts are written for OpenDelta.',
    'safetensors, huggingface, saved-model',
  ],
  ['opendelta', 'bitfit', 'only adapters and prompts are written for OpenDelta.', 'safetensors, saved-model'],
  [
    'opendelta',
    'adapter --set method.arrangement=parallel',
    'OpenDelta reads the adapters in its files as sequential ones.',
    'safetensors, adapterhub, saved-model',
  ],
  [
    'opendelta',
    'compacter --set method.scale=4',
    'OpenDelta has no scale in the adapters of its files.',
    'safetensors, adapterhub, saved-model',
  ],
  [
    'adapterhub',
    'compacter --set method.nonlinearity=elu',
    'the library `adapters` has no nonlinearity elu.',
    'safetensors, saved-model',
  ],
  [
    'opendelta',
    'adapter --set method.nonlinearity=elu',
    'OpenDelta has no nonlinearity elu.',
    'safetensors, saved-model',
  ],
  [
    'adapterhub',
    'adapter --set method.scale=4 --set method.layer_norm=after',
    "the library `adapters` scales in front of the adapter's last layer norm, which takes the scale out.",
    'safetensors, saved-model',
  ],
] as const)('%s refuses %s with the reason and the formats that do work', async (format, method, reason, working) => {
  const run = await makeRun(join(folder, `refused-${method}`), ...`method=${method}`.split(' --set '))
  const out = join(folder, 'none')
  await expect(exportRun(run, { format, out, force: false, progress: silent })).rejects.toThrow(
    `--format ${format}: ${reason} Formats that hold this method: ${working}.`,
  )
})

test.each(cases)(
  'imported again, $format gives the same logits to the bit: $name',
  async ({ format, run, out, backbone }) => {
    const again = join(out, '..', 'again')
    await importRun(out, { format, backbone, runDir: again })
    expect(await logitsOf(again)).toEqual(await logitsOfRun(run))
  },
)

test('the README cuts the embedding where a head was trained without its unused rows', () => {
  const readme = (format: string, name: string) =>
    readFileSync(join(cases.find((each) => each.format === format && each.name === name)!.out, 'README.md'), 'utf8')
  const line = 'from_pretrained(backbone).float()\nmodel.resize_token_embeddings(8100)\n'
  expect(readme('opendelta', 'compacter with a head on a trimmed vocabulary')).toContain(line)
  expect(readme('adapterhub', 'compacter on a trimmed vocabulary')).not.toContain('resize_token_embeddings')
})

test('a prompt has the name that OpenDelta gives it, and its length in the config', () => {
  const { out, run } = cases.find(({ name }) => name === 'prompt-tuning-t')!
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({
    delta_type: 'soft_prompt',
    soft_token_num: 7,
    token_init: true,
  })
  const file = openTorchFile(join(out, 'pytorch_model.bin'))
  expect([...file.tensors.keys()]).toEqual(['encoder.soft_prompt_layer.soft_embeds'])
  expect(file.tensors.get('encoder.soft_prompt_layer.soft_embeds')!.read()).toEqual(
    openSafetensors(join(run, 'best.safetensors')).read('prompt'),
  )
  file.close()
})

test.each(cases)('the adapters of $format show in the logits: $name', async ({ run }) => {
  const [whole, halved] = [await logitsOfRun(run), await logitsOf(run, 0.5)]
  const largest = whole.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  expect(whole.reduce((most, value, i) => Math.max(most, Math.abs(value - halved[i]!)), 0)).toBeGreaterThan(
    0.01 * largest,
  )
})

describe.skipIf(!python)('a loader written in PyTorch', () => {
  const logits = new Map<string, number[]>()
  beforeAll(async () => {
    const nano = await locateBackbone('t5-nano')
    const all = await logitsInPyTorch(cases.map((each) => ({ ...each, backbone: each.backbone === v11 ? v11 : nano })))
    for (const [i, { out }] of cases.entries()) logits.set(out, all[i]!)
  })

  test.each(cases)('gives the same logits from $format: $name', async ({ run, out }) => {
    const ours = await logitsOfRun(run)
    expectClose(cut(logits.get(out)!, ours.length), ours, { relative: 1e-4, name: 'logits' })
  })
})

/** Logits of so many numbers: those of the backbone's own vocabulary are cut where ours is trimmed. */
function cut(logits: number[], length: number): number[] {
  const rows = batch.size * batch.lengths.target
  const [whole, ours] = [logits.length / rows, length / rows]
  return logits.filter((_, i) => i % whole < ours)
}
