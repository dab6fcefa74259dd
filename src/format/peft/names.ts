import { type BackboneConfig, headTensors, tableName } from '../../backbone/registry.js'
import type {
  Ia3Options,
  LayerNormTuningOptions,
  LokrOptions,
  LoraOptions,
  PromptTuningOptions,
  VeraOptions,
} from '../../method/options.js'
import { methodOf } from '../../method/registry.js'
import { targetsOf } from '../../method/targets.js'
import type { NameTable, Renamed } from '../names_elsewhere.js'

export const PEFT_FILES = { config: 'adapter_config.json', weights: 'adapter_model.safetensors' }

/** What stands before every name of a model in peft's files. */
export const PREFIX = 'base_model.model.'

/** peft's table of prompts, whose name has no prefix. */
export const PEFT_PROMPT = 'prompt_embeddings'

/** What peft calls the projections of VeRA, by what we do; these names have another prefix. */
export const PEFT_PROJECTIONS = { projection_a: 'base_model.vera_A', projection_b: 'base_model.vera_B' } as const

/** Methods that peft has too. */
export type PeftOptions = ChangeOptions | LayerNormTuningOptions | PromptTuningOptions

/** Those that change products. */
export type ChangeOptions = LoraOptions | LokrOptions | VeraOptions | Ia3Options

/** What peft calls the tensors of a changed product, by what we do. */
const PARTS = {
  ia3: 'ia3_l',
  lambda_b: 'vera_lambda_b',
  lambda_d: 'vera_lambda_d',
  w1: 'lokr_w1',
  w1_a: 'lokr_w1_a',
  w1_b: 'lokr_w1_b',
  w2: 'lokr_w2',
  w2_a: 'lokr_w2_a',
  w2_b: 'lokr_w2_b',
  lora_a: 'lora_A.weight',
  lora_b: 'lora_B.weight',
  magnitude: 'lora_magnitude_vector',
} as const

/** The module of a tensor: `encoder.block.3.layer.0.SelfAttention.q`. */
export const moduleOf = (tensor: string): string => tensor.replace(/\.(weight|bias)$/, '')

/** The modules of an encoder's head, each whole: `classifier`, and `bert.pooler.dense` where it is a part of it. */
export function headModules(config: BackboneConfig): string[] {
  const [ofBackbone] = tableName(config).split('.')
  const modules = [...headTensors(config).keys()].map((name) => {
    const [first] = name.split('.')
    return first === ofBackbone ? moduleOf(name) : first!
  })
  return [...new Set(modules)]
}

/** Returns the names of what is trained in peft's files, without the prefix. */
export function peftNames(options: PeftOptions, config: BackboneConfig): NameTable {
  const specs = methodOf(options).parameters(options, config)
  const head = [...headTensors(config)].map(([name, { shape }]) => ({ name, shape }))
  const backbone = [...specs.filter(({ start }) => start.kind === 'backbone'), ...head]
  if (options.kind === 'prompt_tuning') {
    const [prompt] = specs
    return {
      renamed: [{ ours: prompt!.name, shape: prompt!.shape, theirs: [PEFT_PROMPT], transposed: false }],
      backbone,
    }
  }
  if (options.kind === 'layer_norm_tuning') {
    const renamed = specs.map(({ name: ours, shape }): Renamed => {
      const theirs = [ours.replace(/\.(\w+)$/, '.ln_tuning_layers.$1')]
      return { ours, shape, theirs, transposed: false }
    })
    return { renamed, backbone: head }
  }
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]))
  const renamed = targetsOf(options, config).flatMap(({ name, product }): Renamed[] =>
    Object.entries(PARTS).flatMap(([part, theirs]) => {
      const shape = shapes.get(`${name}.${part}`)
      if (!shape) return []
      return [{ ours: `${name}.${part}`, shape, theirs: [`${moduleOf(product)}.${theirs}`], transposed: false }]
    }),
  )
  return { renamed, backbone }
}

/** Returns the names of what is not trained and is in peft's files all the same: the projections of VeRA. */
export const peftConstants = (options: PeftOptions, config: BackboneConfig): Renamed[] =>
  (methodOf(options).constants?.(options, config) ?? []).map(({ name: ours, shape }) => {
    const theirs = [PEFT_PROJECTIONS[ours as keyof typeof PEFT_PROJECTIONS]]
    return { ours, shape, theirs, transposed: false }
  })
