import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'
import { unflatten } from '../../src/engine/model/layout.js'
import { blueprintOf, disposeModel, passOf, startVector } from '../../src/engine/model/model.js'
import type { ParameterSpec } from '../../src/method/method.js'
import { type MethodOptions, methodOptions } from '../../src/method/options.js'
import type { Dropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { batchLogits } from '../support/batch_logits.js'
import { loadModelOf, openFixture } from '../support/oracle_case.js'
import { zeroPadded } from '../support/zero_padded.js'

export const NAMES = join(packageRoot, 'test/fixtures/names.json')

/** By backbone: dropout places, and names by variant. */
export type NamesFile = Record<string, { dropout: string[]; variants: Record<string, Names> }>

/**
 * Tiny backbones by what is special in them: v1.0 has its embedding as head and one `wi`, v1.1 a head of its own and
 * two.
 */
export const BACKBONES = { 'v1.0': 't5-tiny', 'v1.1': 't5-tiny-v1_1' }

/** Ways that tensors are named: each kind of method, with each option that adds, removes or renames tensors. */
export const VARIANTS: Record<string, object> = {
  full: { kind: 'full' },
  adapter: { kind: 'adapter' },
  'adapter, low rank': { kind: 'adapter', factors: 'low_rank', rank: 2 },
  'adapter, norms and cross-attention': {
    ...{ kind: 'adapter', layer_norm: 'both', train_layer_norms: false, train_lm_head: true },
    placement: {
      sublayers: ['attention', 'cross_attention', 'feed_forward'],
      ...{ encoder_layers: '1-', decoder_layers: [0] },
    },
  },
  compacter: { kind: 'compacter', rank: 2 },
  'compacter, rule of factors': { kind: 'compacter', rank: 2, rule_factors: 'low_rank' },
  'compacter, own rules': { kind: 'compacter', rule: 'own' },
  'compacter, own rules of factors': { kind: 'compacter', rule: 'own', rule_factors: 'low_rank' },
  'compacter, fixed rule': { kind: 'compacter', learn_rule: false },
  'compacter, fixed own rules of factors': {
    ...{ kind: 'compacter', learn_rule: false, rule: 'own', rule_factors: 'low_rank' },
  },
  'compacter, whole blocks': { kind: 'compacter', factors: 'full' },
  'compacter, shared blocks': { kind: 'compacter', blocks: 'shared' },
  'compacter, whole shared blocks': { kind: 'compacter', blocks: 'shared', factors: 'full' },
  bitfit: { kind: 'bitfit' },
  'bitfit, cross-attention': { kind: 'bitfit', biases: ['cross_attention'] },
  'bitfit, head': { kind: 'bitfit', biases: ['lm_head'] },
  'bitfit, trained head': { kind: 'bitfit', train_lm_head: true },
  intrinsic: { kind: 'intrinsic', said: false },
  'intrinsic, said': { kind: 'intrinsic' },
  'intrinsic, dense': { kind: 'intrinsic', projection: 'dense', dimension: 200 },
  prompt_tuning: { kind: 'prompt_tuning', length: 7 },
  prefix_tuning: { kind: 'prefix_tuning', length: 5, bottleneck: 7 },
  'prefix_tuning, some attentions': {
    ...{ kind: 'prefix_tuning', length: 5, bottleneck: 7 },
    placement: { sublayers: ['attention'], encoder_layers: [], decoder_layers: [1] },
  },
  'prefix_tuning, stored': { kind: 'prefix_tuning', length: 5, bottleneck: 'none' },
  lora: { kind: 'lora' },
  'lora, every product and the head': {
    ...{ kind: 'lora', targets: ['q', 'k', 'v', 'o', 'wi', 'wi_0', 'wi_1', 'wo', 'lm_head'], rank: 2 },
    ...{ train_layer_norms: true, train_lm_head: true },
  },
  lokr: { kind: 'lokr', rank: 2 },
  'lokr, both factors': { kind: 'lokr', rank: 2, decompose_both: true, decompose_factor: 6, targets: ['k', 'lm_head'] },
  vera: { kind: 'vera', rank: 2 },
  'vera, every product and the head': {
    ...{ kind: 'vera', targets: ['q', 'k', 'v', 'o', 'wi', 'wi_0', 'wi_1', 'wo', 'lm_head'], rank: 2 },
    ...{ train_layer_norms: true },
  },
  ia3: { kind: 'ia3' },
  'ia3, inputs and the head': { kind: 'ia3', targets: ['q', 'wo', 'lm_head'], scaled_inputs: ['q', 'lm_head'] },
  layer_norm_tuning: { kind: 'layer_norm_tuning' },
  union: {
    kind: 'union',
    methods: [
      { kind: 'compacter', reduction_factor: 6, learn_rule: false, placement: { sublayers: ['feed_forward'] } },
      { kind: 'lora', targets: ['q'], train_layer_norms: true },
      { kind: 'prompt_tuning', length: 2 },
    ],
  },
  'lora, magnitudes': { kind: 'lora', magnitudes: true, placement: { sublayers: ['cross_attention'] } },
}

export const optionsOf = (variant: string): MethodOptions => {
  const own = VARIANTS[variant]! as { kind: string }
  return methodOptions.parse({ ...(hasBottleneck(own) && { reduction_factor: 6 }), ...own })
}

const hasBottleneck = ({ kind }: { kind: string }) => kind === 'adapter' || kind === 'compacter'

/** What a variant trains and what it keeps as drawn, in order: `encoder.0.attention.down.s [4, 6, 2]`. */
export interface Names {
  trained: string[]
  constants: string[]
}

export function namesOf(backbone: string, variant: string): Names {
  const { config, options, method, layout } = blueprintOf(openFixture(backbone).config, optionsOf(variant))
  return { trained: layout.specs.map(line), constants: (method.constants?.(options, config) ?? []).map(line) }
}

const line = ({ name, shape }: ParameterSpec) => `${name} [${shape.join(', ')}]`

/** Few queries a row, for which cross-attention makes no keys and values, and many, for which it does. */
const LENGTHS = [
  { source: 40, target: 1 },
  { source: 3, target: 40 },
]

/** The dropout places that forward passes of a variant ask for, each pass in its own order. On the engine that runs. */
export function dropoutPlaces(backbone: string, variant: string): string[][] {
  const model = loadModelOf(backbone, optionsOf(variant))
  const vector = startVector(model, openFixture(backbone).read, 0)
  const passes = LENGTHS.map(({ source, target }) => {
    const places: string[] = []
    const dropped = <T extends tf.Tensor>(x: T, place: string) => {
      places.push(place)
      return x
    }
    const kept = (_x: tf.Tensor, place: string) => void places.push(place)
    const recording: Dropout = Object.assign(dropped, { kept: kept as Dropout['kept'] })
    const ids = { source: new Int32Array(2 * source).fill(5), target: new Int32Array(2 * target).fill(7) }
    tf.tidy(() => {
      const pass = passOf(model, unflatten(model.layout, tf.tensor1d(vector)), recording)
      batchLogits(pass, zeroPadded(ids, 2))
    })
    return places
  })
  disposeModel(model)
  return passes
}
