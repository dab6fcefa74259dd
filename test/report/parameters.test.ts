import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { type ParameterRow, parameterRows } from '../../src/count/parameters.js'
import { type Selection, select } from '../../src/count/selection.js'
import { named } from '../../src/engine/model/layout.js'
import { loadModel } from '../../src/engine/model/model.js'
import { useEngine } from '../support/engines.js'

const report = async (selection: Selection, ...more: [tasks?: number, by?: 'tensor' | 'layer' | 'kind']) =>
  parameterRows(await select(selection), more[0] ?? 8, more[1])

const byMethod = <T>(rows: ParameterRow[], value: (row: ParameterRow) => T) =>
  Object.fromEntries(rows.map((row) => [row.method, value(row)]))

const tiny = (name: string) => join(packageRoot, 'test', 'fixtures', name)

// Karimi Mahabadi et al., arXiv 2106.04647, table 1; exact counts by its formulas (b = 24, 62 norms of 768).
const ANY_N = {
  full: 222_882_048,
  adapter: 1_855_104,
  'pfeiffer-adapter': 951_360,
  adapterdrop: 1_101_984,
  'low-rank-adapter': 161_664,
  bitfit: 280_932,
  intrinsic: 20_000,
  'intrinsic-said': 20_000,
  'prompt-tuning-r': 76_800,
  'prompt-tuning-t': 76_800,
  // E [30, 768], its projection to 512 and two of it to 768 in each layer, for three kinds of attention
  'prefix-tuning': 3 * (30 * 768 + 769 * 512 + 12 * 2 * 513 * 768),
  // peft 0.21's print_trainable_parameters on t5-base
  lora: 884_736,
  dora: 940_032,
  ia3: 129_024,
  lokr: 78_336,
  vera: 73_728,
  'layer-norm-tuning': 47_616,
  // 24 adapters of 2·768·384 + 384 + 768, as arXiv 2110.04366 places them
  'parallel-adapter': 14_183_424,
  // the parallel adapters, and prefixes of 800
  mam: 14_183_424 + 3 * (30 * 768 + 769 * 800 + 12 * 2 * 801 * 768),
}
const OF_N = [
  { n: 4, 'phm-adapter': 534_144, compacter: 161_728, 'compacter++': 104_704 },
  { n: 8, 'phm-adapter': 355_968, compacter: 162_176, 'compacter++': 105_152 },
  { n: 12, 'phm-adapter': 398_976, compacter: 163_392, 'compacter++': 106_368 },
]

describe("the paper's table on t5-base", () => {
  const t5base = (n: number, trim: boolean) =>
    report({ backbones: ['t5-base'], methods: ['all'], sets: [`backbone.trim_vocabulary=${trim}`, `method.n=${n}`] })

  test.each(OF_N)('trimmed, n = $n', async ({ n, ...counts }) => {
    const rows = await t5base(n, true)
    expect(byMethod(rows, (row) => row.trained_parameters)).toEqual({ ...ANY_N, ...counts })
    expect(new Set(rows.map((row) => row.backbone_parameters))).toEqual(new Set([222_882_048]))
  })

  test.each(OF_N)('untrimmed, n = $n', async ({ n, ...counts }) => {
    const rows = await t5base(n, false)
    const grown = { full: 222_903_552, bitfit: 280_960 }
    expect(byMethod(rows, (row) => row.trained_parameters)).toEqual({ ...ANY_N, ...counts, ...grown })
    expect(new Set(rows.map((row) => row.backbone_parameters))).toEqual(new Set([222_903_552]))
  })

  test('shares, and totals for eight tasks, n = 12', async () => {
    const rows = await t5base(12, true)
    const shares = byMethod(rows, (row) => `${row.share_percent?.toFixed(4)} ${row.total_parameters_ratio?.toFixed(3)}`)
    expect(shares).toEqual({
      full: '100.0000 8.000',
      adapter: '0.8323 1.065',
      'pfeiffer-adapter': '0.4268 1.032',
      adapterdrop: '0.4944 1.038',
      'low-rank-adapter': '0.0725 1.004',
      'phm-adapter': '0.1790 1.013',
      compacter: '0.0733 1.004',
      'compacter++': '0.0477 1.002',
      bitfit: '0.1260 1.010',
      intrinsic: '0.0090 1.001',
      'intrinsic-said': '0.0090 1.001',
      'prompt-tuning-r': '0.0345 1.003',
      'prompt-tuning-t': '0.0345 1.003',
      'prefix-tuning': '13.2883 2.063',
      ia3: '0.0579 1.005',
      lokr: '0.0351 1.003',
      vera: '0.0331 1.003',
      'layer-norm-tuning': '0.0214 1.000',
      'parallel-adapter': '6.3636 1.509',
      mam: '27.0952 3.168',
      lora: '0.3970 1.032',
      dora: '0.4218 1.034',
    })
  })

  test('the total grows with the tasks, by the additions alone', async () => {
    const [row] = await report({ methods: ['compacter'] }, 100)
    expect(row).toMatchObject({ tasks: 100, added_parameters: 114_112, optimizer_bytes: 1_293_824 })
    expect(row?.total_parameters_ratio).toBe(1 + (100 * 114_112) / 222_903_552)
  })

  test.each([
    ['t5-v1_1-small', 32_128 * 512],
    ['t5-base', 32_128 * 768],
  ])("bitfit with the head's weights trains the head of %s too, as an addition", async (backbone, head) => {
    const [biases] = await report({ backbones: [backbone], methods: ['bitfit'] })
    const [both] = await report({ backbones: [backbone], methods: ['bitfit'], sets: ['method.train_lm_head=true'] })
    expect(both!.trained_parameters! - biases!.trained_parameters!).toBe(head)
    expect(both!.added_parameters).toBe(both!.trained_parameters)
  })

  // expected: the formulas of the paper's table by hand; a head is [vocabulary, d_model], d = 512 and b = 16 in
  // t5-v1_1-small
  test.each([
    { backbone: 't5-v1_1-small', own: 32 * (2 * (512 + 16) + 512 + 16) + 64, head: 32_128 * 512, base: 76_961_152 },
    { backbone: 't5-base', own: 114_112, head: 32_128 * 768, base: 222_903_552 },
  ])('an unfrozen head of $backbone is an addition of each task, unfrozen layer norms are not', async (expected) => {
    const { backbone, own, head, base } = expected
    const sets = (unfrozen: boolean, norms: boolean) => [
      `method.train_lm_head=${unfrozen}`,
      `method.train_layer_norms=${norms}`,
    ]
    for (const norms of [true, false]) {
      const [frozen] = await report({ backbones: [backbone], methods: ['compacter'], sets: sets(false, norms) })
      const [unfrozen] = await report({ backbones: [backbone], methods: ['compacter'], sets: sets(true, norms) })
      expect(frozen).toMatchObject({ added_parameters: own, total_parameters_ratio: 1 + (8 * own) / base })
      const ratio = 1 + (8 * (own + head)) / base
      expect(unfrozen).toMatchObject({ added_parameters: own + head, total_parameters_ratio: ratio })
    }
  })

  test('full fine-tuning adds nothing, and shares nothing', async () => {
    for (const backbone of ['t5-base', 't5-v1_1-small']) {
      const [row] = await report({ backbones: [backbone], methods: ['full'] })
      expect(row).toMatchObject({ added_parameters: 0, total_parameters_ratio: 8 })
    }
  })
})

describe.each(['t5-tiny', 't5-tiny-v1_1'])('on %s, the count matches the trained tensors', (backbone) => {
  beforeAll(() => useEngine('wasm'))
  const { read } = openSafetensors(join(tiny(backbone), 'model.safetensors'))

  async function expectCounted(selection: Selection) {
    for (const subject of await select({ ...selection, backbones: [tiny(backbone)] })) {
      const [row] = parameterRows([subject], 8)
      const { layout } = loadModel(subject.config, subject.options, read, 0)
      expect(layout.size).toBeGreaterThan(0)
      expect(row!.trained_parameters, subject.method).toBe(layout.size)
      const file = join(mkdtempSync(join(tmpdir(), 'parameters-')), 'best.safetensors')
      writeSafetensors(file, named(layout, new Float32Array(layout.size)))
      expect(row!.checkpoint_bytes, subject.method).toBe(statSync(file).size)
    }
  }

  const upper = ['method.placement.encoder_layers=[2]', 'method.placement.decoder_layers=[1]']
  const small = ['method.reduction_factor=2', 'method.dimension=200', 'method.length=5']
  test('every preset', () => expectCounted({ methods: presetNames('methods'), sets: [...small, ...upper] }))

  test.each([
    ['compacter', 'method.n=3', 'method.rank=2', 'method.rule=own', 'method.rule_factors=low_rank'],
    ['compacter', 'method.blocks=shared', 'method.learn_rule=false', 'method.layer_norm=both'],
    ['adapter', 'method.train_lm_head=true', 'method.placement.sublayers=[cross_attention]'],
    ['low-rank-adapter', 'method.rank=5', 'method.layer_norm=before', 'method.train_layer_norms=false'],
  ])('%s with %s', (method, ...sets) => expectCounted({ methods: [method], sets: [small[0]!, ...sets] }))
})

describe('which methods on which backbones', () => {
  test('every preset of both, from MiniLM to mT5 xxl: only AdapterDrop on four layers does not fit', async () => {
    const wide = presetNames('backbones').filter((name) => !/^(tinybert|modernbert)/.test(name))
    const rows = await report({ backbones: wide, methods: ['all'] })
    expect(rows).toHaveLength(39 * presetNames('methods').length)
    const misfits = rows.filter((row) => row.problem !== undefined)
    expect(misfits.map(({ backbone, method, problem }) => [backbone, method, problem])).toEqual([
      ['bert-nano', 'adapterdrop', 'method.placement.encoder_layers names layer 5; the encoder has 4 layers.'],
      [
        't5-nano',
        'adapterdrop',
        'method.placement.encoder_layers names layer 5; the encoder has 4 layers. method.placement.decoder_layers names layer 5; the decoder has 4 layers.',
      ],
    ])
    expect(misfits[0]).toMatchObject({ trained_parameters: null, total_parameters_ratio: null })
  })

  test('bottlenecks of TinyBERT, whose width 32 does not divide', async () => {
    await expect(report({ backbones: ['tinybert-4l'], methods: ['compacter'] })).rejects.toThrow(
      'method.reduction_factor is 32; it must divide d_model (312).',
    )
  })

  test('an output head that an encoder does not have', async () => {
    const sets = ['method.train_lm_head=true']
    await expect(report({ backbones: ['bert-base-uncased'], methods: ['compacter'], sets })).rejects.toThrow(
      'method.train_lm_head is true; the backbone has no output head over its vocabulary.',
    )
  })

  test('LoRA on the products of ModernBERT, which has one for queries, keys and values', async () => {
    await expect(report({ backbones: ['modernbert-base'], methods: ['lora'] })).rejects.toThrow(
      'method.targets names "q"; the backbone has no product of that name. Its products: qkv, o, wi, wo.',
    )
  })

  // 12 layers × (4 · 768 + 3072 + 768 biases of products, 2 · 768 of norms), 768 each of the embeddings' norm and the
  // pooler
  test('the biases of BERT are those that it has', async () => {
    const [row] = await report({ backbones: ['bert-base-uncased'], methods: ['bitfit'] })
    expect(row!.trained_parameters).toBe(12 * (4 * 768 + 3072 + 768 + 2 * 768) + 768 + 768)
  })

  test("an experiment's own, named by the nearest preset", async () => {
    const rows = await report({ experiment: 'paper/compacter++', sets: ['method.n=8', 'method.rank=2'] })
    expect(rows).toMatchObject([{ backbone: 't5-base', method: 'compacter++', changes: ['n=8', 'rank=2'] }])
    expect(rows[0]?.backbone_parameters).toBe(222_882_048)
    expect(rows[0]?.trained_parameters).toBe(24 * (2 * 2 * (768 + 24) + 792) + 8 ** 3 + 62 * 768)
  })

  test("a backbone instead of the experiment's, methods next to its own", async () => {
    const methods = ['full', 'compacter', 'bitfit']
    const rows = await report({ experiment: 'quickstart', backbones: ['t5-small'], methods })
    expect(new Set(rows.map((row) => row.backbone_parameters))).toEqual(new Set([60_506_624]))
    expect(rows.map((row) => row.method)).toEqual(['compacter', 'full', 'bitfit'])
    const changed = await report({ experiment: 'quickstart', methods, sets: ['method.n=8'] })
    expect(changed.map((row) => row.method)).toEqual(['compacter', 'full', 'bitfit'])
    expect(changed[0]!.changes).toEqual(['n=8'])
  })

  test('several methods as one, whose presets have different learning rates', async () => {
    const [both, lora, compacter] = await report({
      backbones: ['t5-nano'],
      methods: ['[lora, compacter]', 'lora', 'compacter'],
      sets: ['method.rank=2'],
    })
    expect(both).toMatchObject({ method: 'lora + compacter', changes: [] })
    const [loraAlone] = await report({ backbones: ['t5-nano'], methods: ['lora'] })
    expect(lora!.changes).toEqual(['rank=2'])
    expect(compacter!.changes).toEqual(['rank=2'])
    const [compacterAlone] = await report({ backbones: ['t5-nano'], methods: ['compacter'] })
    expect(both!.trained_parameters).toBe(loraAlone!.trained_parameters! + compacterAlone!.trained_parameters!)
    expect(await report({ methods: ['[lora]'] })).toMatchObject([{ method: 'lora', changes: [] }])
  })

  test('a changed preset of several methods is named by them, without their options', async () => {
    const sets = ['method.methods.0.length=10']
    const rows = await report({ backbones: ['t5-nano'], methods: ['mam', 'prefix-tuning'], sets })
    expect(rows.map(({ method, changes }) => [method, changes])).toEqual([
      ['prefix-tuning (length = 10, bottleneck = 800) + parallel-adapter', []],
      ['prefix-tuning', []],
    ])
  })

  test('a directory whose tokenizer trims', async () => {
    const nano = join(packageRoot, 'configs/backbones/t5-nano')
    const sets = ['backbone.trim_vocabulary=true']
    const [own, preset] = await report({ backbones: [nano, 't5-nano'], methods: ['full'], sets })
    expect(own?.trained_parameters).toBe(9_426_688 - 28 * 256)
    expect(preset?.trained_parameters).toBe(own?.trained_parameters)
  })

  test.each<[string, Selection, string]>([
    [
      'a named method that does not fit',
      { backbones: ['t5-nano'], methods: ['full', 'adapterdrop'] },
      '--method adapterdrop: method.placement.encoder_layers names layer 5; the encoder has 4 layers. Layers are numbered 0 to 3.\n--method adapterdrop: method.placement.decoder_layers names layer 5; the decoder has 4 layers. Layers are numbered 0 to 3.',
    ],
    [
      'an option that does not fit',
      { methods: ['compacter'], sets: ['method.n=5'] },
      '--set method.n=5: method.n is 5; it must divide d_model (768) and the bottleneck (24). Nearest that do: 4 or 6; all: 1, 2, 3, 4, 6, 8, 12, 24.',
    ],
    [
      'an option of none of the methods',
      { methods: ['all'], sets: ['method.ranc=2'] },
      '--set method.ranc=2: method has no key ranc. Did you mean rank?',
    ],
    [
      'an unknown method',
      { methods: ['compactr'] },
      '--method compactr: method is "compactr"; there is no such preset. Did you mean compacter?',
    ],
    [
      'an unknown backbone',
      { backbones: ['t5-bsae'] },
      '--backbone t5-bsae: backbone is "t5-bsae"; there is no such preset or directory, and a hub id is owner/name. Did you mean t5-base?',
    ],
    [
      'a hub id of unknown dimensions',
      { backbones: ['someone/some-t5'] },
      '--backbone someone/some-t5: no preset knows the dimensions of someone/some-t5. Name the folder that holds its config.json.',
    ],
    [
      'a choice as an override',
      { methods: ['compacter'], sets: ['method=adapter'] },
      '--set method=adapter: chooses a method, where --method does. For instance: --method adapter.',
    ],
    [
      'a list as an override',
      { methods: ['lora'], sets: ['method=[lora, compacter]'] },
      "--set method=[lora, compacter]: chooses a method, where --method does. For instance: --method '[lora, compacter]'.",
    ],
    [
      'an unknown method in a list',
      { methods: ['[lora, compactr]'] },
      '--method [lora, compactr]: method.1 is "compactr"; there is no such preset. Did you mean compacter?',
    ],
  ])('%s is an error', async (_, selection, message) => {
    await expect(select(selection)).rejects.toMatchObject({ message, exitCode: 2 })
  })
})
