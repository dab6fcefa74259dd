import { z } from 'zod'
import { type BackboneConfig, familyOf } from '../backbone/registry.js'
import { adapterKind, adapterOptions } from './options/adapter.js'
import { bitfitKind, bitfitOptions } from './options/bitfit.js'
import { compacterKind, compacterOptions } from './options/compacter.js'
import { fullKind, fullOptions } from './options/full.js'
import { ia3Kind, ia3Options } from './options/ia3.js'
import { intrinsicKind, intrinsicOptions } from './options/intrinsic.js'
import type { MethodKind, MethodProblem } from './options/kind.js'
import { layerNormTuningKind, layerNormTuningOptions } from './options/layer_norm_tuning.js'
import { lokrKind, lokrOptions } from './options/lokr.js'
import { loraKind, loraOptions } from './options/lora.js'
import { prefixTuningKind, prefixTuningOptions } from './options/prefix_tuning.js'
import { promptTuningKind, promptTuningOptions } from './options/prompt_tuning.js'
import { veraKind, veraOptions } from './options/vera.js'
import { unionKindOf } from './union/union_kind.js'

export { type AdapterOptions, adapterOptions } from './options/adapter.js'
export { type BitfitOptions, bitfitOptions } from './options/bitfit.js'
export { type CompacterOptions, compacterOptions } from './options/compacter.js'
export { type FullOptions, fullOptions } from './options/full.js'
export { type Ia3Options, ia3Options } from './options/ia3.js'
export { type IntrinsicOptions, intrinsicOptions } from './options/intrinsic.js'
export { type LayerNormTuningOptions, layerNormTuningOptions } from './options/layer_norm_tuning.js'
export { type LokrOptions, lokrOptions } from './options/lokr.js'
export { type LoraOptions, loraOptions } from './options/lora.js'
export { type PrefixTuningOptions, prefixTuningOptions } from './options/prefix_tuning.js'
export { type PromptTuningOptions, promptTuningOptions } from './options/prompt_tuning.js'
export { type Layers, layerNumbers, type Placement } from './options/shared.js'
export { type VeraOptions, veraOptions } from './options/vera.js'

/** Methods that leave the backbone frozen, so that several of them can be trained together. */
const frozenBackbone = [
  adapterOptions,
  compacterOptions,
  bitfitOptions,
  promptTuningOptions,
  prefixTuningOptions,
  loraOptions,
  ia3Options,
  lokrOptions,
  veraOptions,
  layerNormTuningOptions,
] as const

/** Returns whether a method of that kind can be one of several. */
export const standsWithOthers = (kind: unknown): boolean =>
  frozenBackbone.some(({ shape }) => shape.kind.value === kind)

/** Several methods at once; an experiment writes them as a list. */
const unionOptions = z.strictObject({
  kind: z.literal('union'),
  methods: z
    .array(z.discriminatedUnion('kind', frozenBackbone))
    .min(2)
    .describe('The methods, in the order in which they enter; all but full and intrinsic.'),
})
export type UnionOptions = z.infer<typeof unionOptions>

/** A method's options; `kind` names the method. */
export const methodOptions = z.discriminatedUnion('kind', [
  fullOptions,
  intrinsicOptions,
  ...frozenBackbone,
  unionOptions,
])
export type MethodOptions = z.infer<typeof methodOptions>

type Kinds = { [K in MethodOptions['kind']]: MethodKind<Extract<MethodOptions, { kind: K }>> }

const kinds: Kinds = {
  full: fullKind,
  intrinsic: intrinsicKind,
  adapter: adapterKind,
  compacter: compacterKind,
  bitfit: bitfitKind,
  prompt_tuning: promptTuningKind,
  prefix_tuning: prefixTuningKind,
  lora: loraKind,
  ia3: ia3Kind,
  lokr: lokrKind,
  vera: veraKind,
  layer_norm_tuning: layerNormTuningKind,
  union: unionKindOf((options) => methodKind(options)),
}

/** Returns what is known of a method from its options alone. */
export const methodKind = ({ kind }: MethodOptions): MethodKind<MethodOptions> =>
  kinds[kind] as MethodKind<MethodOptions>

/** Returns all options that do not fit this backbone's dimensions; empty if all fit. */
export const methodProblems = (options: MethodOptions, config: BackboneConfig): MethodProblem[] => [
  ...methodKind(options).problems(options, config),
  ...headProblems(options, config),
]

/** The output head is that of a decoder; a classification head is trained in any case. */
function headProblems(options: MethodOptions, config: BackboneConfig): MethodProblem[] {
  if (!('train_lm_head' in options && options.train_lm_head) || familyOf(config).head !== undefined) return []
  const problem = 'method.train_lm_head is true; the backbone has no output head over its vocabulary.'
  return [{ path: ['train_lm_head'], problem, remedy: 'Leave it out: the head of a task is always trained.' }]
}
