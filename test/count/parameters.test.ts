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
import { counted } from '../support/counted.js'
import { useEngine } from '../support/engines.js'

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
    counted({ backbones: ['t5-base'], methods: ['all'], sets: [`backbone.trim_vocabulary=${trim}`, `method.n=${n}`] })

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
    const [row] = await counted({ methods: ['compacter'] }, 100)
    expect(row).toMatchObject({ tasks: 100, added_parameters: 114_112, optimizer_bytes: 1_293_824 })
    expect(row?.total_parameters_ratio).toBe(1 + (100 * 114_112) / 222_903_552)
  })

  test.each([
    ['t5-v1_1-small', 32_128 * 512],
    ['t5-base', 32_128 * 768],
  ])("bitfit with the head's weights trains the head of %s too, as an addition", async (backbone, head) => {
    const [biases] = await counted({ backbones: [backbone], methods: ['bitfit'] })
    const [both] = await counted({ backbones: [backbone], methods: ['bitfit'], sets: ['method.train_lm_head=true'] })
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
      const [frozen] = await counted({ backbones: [backbone], methods: ['compacter'], sets: sets(false, norms) })
      const [unfrozen] = await counted({ backbones: [backbone], methods: ['compacter'], sets: sets(true, norms) })
      expect(frozen).toMatchObject({ added_parameters: own, total_parameters_ratio: 1 + (8 * own) / base })
      const ratio = 1 + (8 * (own + head)) / base
      expect(unfrozen).toMatchObject({ added_parameters: own + head, total_parameters_ratio: ratio })
    }
  })

  test('full fine-tuning adds nothing, and shares nothing', async () => {
    for (const backbone of ['t5-base', 't5-v1_1-small']) {
      const [row] = await counted({ backbones: [backbone], methods: ['full'] })
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
