import { describe, expect, test } from 'vitest'
import { presetNames } from '../../src/base/presets.js'
import { parameterRows } from '../../src/count/parameters.js'
import { type Selection, select } from '../../src/count/selection.js'
import { formatParameters } from '../../src/report/tables/parameters.js'

const report = async (selection: Selection, ...more: [tasks?: number, by?: 'tensor' | 'layer' | 'kind']) =>
  parameterRows(await select(selection), more[0] ?? 8, more[1])

describe('formats', () => {
  const rows = () => report({ backbones: ['t5-base'], methods: ['adapter', 'compacter'], sets: ['method.n=8'] })

  test('markdown', async () => {
    expect(formatParameters(await rows(), 'markdown')).toBe(
      [
        '| backbone | method | changed | trained | share | 8 tasks | on disk | optimiser | complexity |',
        '|---|---|---|---:|---:|---:|---:|---:|---|',
        '| t5-base | adapter |  | 1,855,104 | 0.8322 % | 1.065 | 7.10 MiB | 14.2 MiB | O(kd) |',
        '| t5-base | compacter | n=8 | 162,176 | 0.0728 % | 1.004 | 666 KiB | 1.24 MiB | O(k+d) |',
        '',
        '- t5-base has 222,903,552 parameters.',
      ].join('\n'),
    )
  })

  test('LaTeX for booktabs', async () => {
    expect(formatParameters(await report({ methods: ['phm-adapter'], sets: ['method.rank=3'] }), 'latex')).toBe(
      [
        '% t5-base has 222,903,552 parameters.',
        '\\begin{tabular}{lllrrrrrl}',
        '\\toprule',
        'backbone & method & changed & trained & share & 8 tasks & on disk & optimiser & complexity \\\\',
        '\\midrule',
        't5-base & phm-adapter & rank=3 & 534,144 & 0.2396 \\% & 1.017 & 2.07 MiB & 4.08 MiB & $O(kd/n)$ \\\\',
        '\\bottomrule',
        '\\end{tabular}',
      ].join('\n'),
    )
    const by = await report({ methods: ['bitfit'], backbones: ['t5-v1_1-small'] }, 8, 'kind')
    expect(formatParameters(by, 'latex')).toContain(
      't5-v1\\_1-small & bitfit & layer\\_norm.bias & 40 & 20,480 & 15.34 \\% \\\\',
    )
  })

  test('CSV: every value, the options as JSON in quotes', async () => {
    const [row] = await report({ methods: ['bitfit'], sets: ['method.biases=[lm_head]'] })
    expect(formatParameters([row!], 'csv').split('\n')).toEqual([
      'backbone,method,changes,options,tasks,backbone_parameters,head_parameters,trained_parameters,added_parameters,share_percent,total_parameters_ratio,checkpoint_bytes,optimizer_bytes,complexity,problem\r',
      `t5-base,bitfit,"[""biases=[\\""lm_head\\""]""]","{""kind"":""bitfit"",""biases"":[""lm_head""],""train_lm_head"":false}",8,222903552,,32128,32128,${row!.share_percent},${row!.total_parameters_ratio},128600,257024,O(d),\r`,
    ])
  })

  test('JSON is the rows', async () => {
    expect(JSON.parse(formatParameters(await rows(), 'json'))).toEqual(await rows())
  })

  test("an encoder's head is counted apart, as transformers makes it", async () => {
    const text = formatParameters(await report({ backbones: ['roberta-base'], methods: ['full'] }), 'markdown')
    // 768² + 768 of the dense layer, 2 · 768 + 2 of the projection
    expect(text).toContain(
      '- roberta-base has 124,645,632 parameters. Its head is trained too, 592,130 for two labels.',
    )
  })

  test('what does not fit has no numbers, and a reason', async () => {
    const text = formatParameters(await report({ backbones: ['t5-nano'], methods: ['all'] }), 'markdown')
    expect(text).toContain('| t5-nano | adapterdrop | – | – | – | – | – | O(kd) |')
    expect(text).toContain('- adapterdrop does not fit t5-nano: method.placement.encoder\\_layers names layer 5;')
  })
})

describe('breakdown', () => {
  test.each(presetNames('methods'))('the parts of %s sum to the whole', async (method) => {
    for (const by of ['tensor', 'layer', 'kind'] as const) {
      const [row] = await report({ methods: [method] }, 8, by)
      const parts = row!.breakdown!
      expect(parts.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(row!.trained_parameters)
      expect(parts.reduce((sum, { share_percent }) => sum + share_percent, 0)).toBeCloseTo(100, 8)
    }
  })

  test('by layer: norms of the backbone are listed with the adapters next to them', async () => {
    const [row] = await report({ methods: ['compacter++'], sets: ['method.placement.encoder_layers=[3]'] }, 8, 'layer')
    const layers = new Map(row!.breakdown!.map(({ name, parameters }) => [name, parameters]))
    const adapter = 2 * (768 + 24) + 792
    expect(layers.get('encoder.3')).toBe(adapter + 2 * 768)
    expect(layers.get('encoder.4')).toBe(2 * 768)
    expect(layers.get('decoder.11')).toBe(adapter + 3 * 768)
    expect(layers.get('outside the layers')).toBe(64 + 2 * 768)
    expect(layers.size).toBe(25)
  })

  test('by kind and by tensor', async () => {
    const [kinds] = await report({ methods: ['compacter'] }, 8, 'kind')
    expect(kinds!.breakdown!.map(({ name, tensors, parameters }) => [name, tensors, parameters])).toEqual([
      ['rule', 1, 64],
      ['down.s', 48, 48 * 768],
      ['down.t', 48, 48 * 24],
      ['up.s', 48, 48 * 24],
      ['up.t', 48, 48 * 768],
      ['down.bias', 48, 48 * 24],
      ['up.bias', 48, 48 * 768],
      ['layer_norm.weight', 60, 60 * 768],
      ['final_layer_norm.weight', 2, 2 * 768],
    ])
    const [tensors] = await report({ methods: ['compacter'] }, 8, 'tensor')
    expect(tensors!.breakdown).toHaveLength(1 + 48 * 6 + 62)
    expect(tensors!.breakdown!.find(({ name }) => name === 'decoder.11.feed_forward.up.t')?.shape).toEqual([4, 1, 192])
  })
})
