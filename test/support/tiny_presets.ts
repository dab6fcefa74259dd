import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { presetFile } from '../../src/base/presets.js'
import { type Blueprint, blueprintOf } from '../../src/engine/model/model.js'
import { type MethodOptions, methodOptions } from '../../src/method/options.js'
import { openFixture } from './oracle_case.js'

/** Presets at the tiny backbone's dimensions: d_model 24, three and two layers. */
const small: Record<string, object> = {
  adapter: { reduction_factor: 6 },
  adapterdrop: { reduction_factor: 6, placement: { encoder_layers: '1-', decoder_layers: '1-' } },
  compacter: { reduction_factor: 6, rank: 2 },
  'compacter++': { reduction_factor: 6 },
  'low-rank-adapter': { reduction_factor: 6 },
  'pfeiffer-adapter': { reduction_factor: 6 },
  'phm-adapter': { reduction_factor: 6 },
  intrinsic: { dimension: 1400 },
  'intrinsic-said': { dimension: 1400 },
  lora: { rank: 2, loraplus_lr_ratio: 4 },
  dora: { rank: 2 },
  lokr: { rank: 2 },
  vera: { rank: 5 },
  'prefix-tuning': { length: 5, bottleneck: 7 },
  mam: {
    methods: [
      { kind: 'prefix_tuning', length: 3, bottleneck: 5 },
      {
        kind: 'adapter',
        arrangement: 'parallel',
        scale: 4,
        reduction_factor: 6,
        placement: { sublayers: ['feed_forward'] },
      },
    ],
  },
  'prompt-tuning-r': { length: 7 },
  'prompt-tuning-t': { length: 7 },
}

/** A method preset and its learning rate. */
export function preset(name: string, overrides = small[name]): { options: MethodOptions; peak: number } {
  const { learning_rate, ...options } = parse(readFileSync(presetFile('methods', name)!, 'utf8'))
  return { options: methodOptions.parse({ ...options, ...overrides }), peak: learning_rate }
}

/** The tiny T5 with a method preset, without weights. */
export const blueprintOfTiny = (name: string): Blueprint =>
  blueprintOf(openFixture('t5-tiny').config, preset(name).options)
