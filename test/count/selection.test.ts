import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { type Selection, select } from '../../src/count/selection.js'
import { counted } from '../support/counted.js'

describe('which methods on which backbones', () => {
  test('every preset of both, from MiniLM to mT5 xxl: only AdapterDrop on four layers does not fit', async () => {
    const wide = presetNames('backbones').filter((name) => !/^(tinybert|modernbert)/.test(name))
    const rows = await counted({ backbones: wide, methods: ['all'] })
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
    await expect(counted({ backbones: ['tinybert-4l'], methods: ['compacter'] })).rejects.toThrow(
      'method.reduction_factor is 32; it must divide d_model (312).',
    )
  })

  test('an output head that an encoder does not have', async () => {
    const sets = ['method.train_lm_head=true']
    await expect(counted({ backbones: ['bert-base-uncased'], methods: ['compacter'], sets })).rejects.toThrow(
      'method.train_lm_head is true; the backbone has no output head over its vocabulary.',
    )
  })

  test('LoRA on the products of ModernBERT, which has one for queries, keys and values', async () => {
    await expect(counted({ backbones: ['modernbert-base'], methods: ['lora'] })).rejects.toThrow(
      'method.targets names "q"; the backbone has no product of that name. Did you mean qkv?',
    )
  })

  // 12 layers × (4 · 768 + 3072 + 768 biases of products, 2 · 768 of norms), 768 each of the embeddings' norm and the
  // pooler
  test('the biases of BERT are those that it has', async () => {
    const [row] = await counted({ backbones: ['bert-base-uncased'], methods: ['bitfit'] })
    expect(row!.trained_parameters).toBe(12 * (4 * 768 + 3072 + 768 + 2 * 768) + 768 + 768)
  })

  test("an experiment's own, named by the nearest preset", async () => {
    const rows = await counted({ experiment: 'paper/compacter++', sets: ['method.n=8', 'method.rank=2'] })
    expect(rows).toMatchObject([{ backbone: 't5-base', method: 'compacter++', changes: ['n=8', 'rank=2'] }])
    expect(rows[0]?.backbone_parameters).toBe(222_882_048)
    expect(rows[0]?.trained_parameters).toBe(24 * (2 * 2 * (768 + 24) + 792) + 8 ** 3 + 62 * 768)
  })

  test("a backbone instead of the experiment's, methods next to its own", async () => {
    const methods = ['full', 'compacter', 'bitfit']
    const rows = await counted({ experiment: 'quickstart', backbones: ['t5-small'], methods })
    expect(new Set(rows.map((row) => row.backbone_parameters))).toEqual(new Set([60_506_624]))
    expect(rows.map((row) => row.method)).toEqual(['compacter', 'full', 'bitfit'])
    const changed = await counted({ experiment: 'quickstart', methods, sets: ['method.n=8'] })
    expect(changed.map((row) => row.method)).toEqual(['compacter', 'full', 'bitfit'])
    expect(changed[0]!.changes).toEqual(['n=8'])
  })

  test('several methods as one, whose presets have different learning rates', async () => {
    const [both, lora, compacter] = await counted({
      backbones: ['t5-nano'],
      methods: ['[lora, compacter]', 'lora', 'compacter'],
      sets: ['method.rank=2'],
    })
    expect(both).toMatchObject({ method: 'lora + compacter', changes: [] })
    const [loraAlone] = await counted({ backbones: ['t5-nano'], methods: ['lora'] })
    expect(lora!.changes).toEqual(['rank=2'])
    expect(compacter!.changes).toEqual(['rank=2'])
    const [compacterAlone] = await counted({ backbones: ['t5-nano'], methods: ['compacter'] })
    expect(both!.trained_parameters).toBe(loraAlone!.trained_parameters! + compacterAlone!.trained_parameters!)
    expect(await counted({ methods: ['[lora]'] })).toMatchObject([{ method: 'lora', changes: [] }])
  })

  test('a changed preset of several methods is named by them, without their options', async () => {
    const sets = ['method.methods.0.length=10']
    const rows = await counted({ backbones: ['t5-nano'], methods: ['mam', 'prefix-tuning'], sets })
    expect(rows.map(({ method, changes }) => [method, changes])).toEqual([
      ['prefix-tuning (length = 10, bottleneck = 800) + parallel-adapter', []],
      ['prefix-tuning', []],
    ])
  })

  test('a directory whose tokenizer trims', async () => {
    const nano = join(packageRoot, 'configs/backbones/t5-nano')
    const sets = ['backbone.trim_vocabulary=true']
    const [own, preset] = await counted({ backbones: [nano, 't5-nano'], methods: ['full'], sets })
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
