import { join } from 'node:path'
import { type BackboneConfig, backboneTensors, familyOf, headOf, headTensor } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { writeAtomically } from '../../base/files/atomic.js'
import { type WritableTensor, writeSafetensors } from '../../base/safetensors/safetensors.js'
import type { LayerNormTuningOptions, MethodOptions } from '../../method/options.js'
import { type Target, targetsOf } from '../../method/targets.js'
import { isOfNorm } from '../../method/unfrozen.js'
import { renamedTensors } from '../elsewhere.js'
import type { ExportFormat, Trained } from '../format.js'
import { backboneInPython, backboneSource, importsInPython, outputInPython } from '../readme/in_python.js'
import { type OwnFiles, ownFiles } from '../readme/own_files.js'
import {
  type ChangeOptions,
  headModules,
  moduleOf,
  PEFT_FILES,
  PEFT_PROJECTIONS,
  PEFT_PROMPT,
  type PeftOptions,
  PREFIX,
  peftConstants,
  peftNames,
} from './names.js'

const WITHOUT_PREFIX: string[] = [PEFT_PROMPT, ...Object.values(PEFT_PROJECTIONS)]

/** LoRA, DoRA, LoKr, VeRA, IA³, layer norms and prompts for Hugging Face peft. */
export const peftFormat: ExportFormat = {
  refusal,
  holdsBackbone: false,
  async write(folder, trained) {
    const { experiment, config } = trained
    const options = experiment.method as PeftOptions
    const { renamed, backbone } = peftNames(options, config)
    const names = { renamed: [...renamed, ...peftConstants(options, config)], backbone }
    const { own, ofBackbone } = renamedTensors(names, trained)
    const prefixed = [...own, ...ofBackbone].map(([name, tensor]): [string, WritableTensor] => [
      WITHOUT_PREFIX.includes(name) ? name : `${PREFIX}${name}`,
      tensor,
    ])
    writeSafetensors(join(folder, PEFT_FILES.weights), prefixed, { format: 'pt' })
    const text = JSON.stringify(adapterConfig(options, config, backboneSource(experiment)), null, 2)
    writeAtomically(join(folder, PEFT_FILES.config), `${text}\n`)
    return readmePart(trained, ofBackbone, await ownFiles(experiment, config))
  },
}

function refusal(options: MethodOptions, config: BackboneConfig): string | undefined {
  switch (options.kind) {
    case 'layer_norm_tuning':
      return undefined
    case 'prompt_tuning':
      return decodes(config) ? undefined : IN_FRONT
    case 'lora':
    case 'lokr':
    case 'vera':
    case 'ia3':
      return headRefusal(options, config)
    case 'adapter':
    case 'compacter':
      return 'peft has no adapters behind sublayers.'
    case 'prefix_tuning':
      return decodes(config)
        ? 'prefixes of peft never reach the encoder of a T5, and in its decoder they have position biases.'
        : 'peft gives prefixes to models that keep keys and values of past tokens, as no encoder does.'
    case 'bitfit':
      return decodes(config)
        ? 'peft has no biases that are added to a backbone without any.'
        : 'peft trains biases only beside its own layers.'
    case 'full':
    case 'intrinsic':
      return 'peft holds what is added to a backbone; this method changes all of its weights.'
    case 'union':
      return 'peft keeps one method in a folder.'
    default:
      return assertNever(options, 'method')
  }
}

const decodes = (config: BackboneConfig) => familyOf(config).shape === 'encoder-decoder'

/** Why peft's prompts are not those of an encoder here. */
export const IN_FRONT =
  'peft puts a prompt in front of the first token, so that all positions move and the head reads the prompt; here ' +
  'it follows the first token of an encoder.'

/** Why peft has no trained head where the backbone's is its embedding table. */
export const TIED_HEAD =
  'the trained head is the embedding table of this T5, which peft does not keep in all places where T5 uses it.'

function headRefusal(options: ChangeOptions, config: BackboneConfig): string | undefined {
  const head = headTensor(config)
  if (!options.train_lm_head || head === undefined) return undefined
  if (backboneTensors(config).get(head)?.role === 'table') return TIED_HEAD
  return targetsOf(options, config).some(({ matrix }) => matrix === head)
    ? 'peft cannot hold a head that is trained and changed by the method at once.'
    : undefined
}

/** The config that peft reads. */
function adapterConfig(options: PeftOptions, config: BackboneConfig, backbone: string) {
  const always = { base_model_name_or_path: backbone, inference_mode: true, task_type: taskType(config) }
  if (options.kind === 'prompt_tuning')
    return {
      ...always,
      peft_type: 'PROMPT_TUNING',
      task_type: 'SEQ_2_SEQ_LM', // without it peft does not put the prompt in front
      num_virtual_tokens: options.length,
      num_transformer_submodules: 1,
      token_dim: config.dModel,
      num_layers: config.encoderLayers,
      num_attention_heads: config.heads,
      prompt_tuning_init: 'RANDOM',
    }
  const modules_to_save = modulesToSave(options, config)
  if (options.kind === 'layer_norm_tuning')
    return { ...always, peft_type: 'LN_TUNING', target_modules: norms(config), modules_to_save }
  const targets = targetsOf(options, config)
  const modules = targets.map(({ product }) => moduleOf(product))
  const common = { ...always, target_modules: modules, modules_to_save, fan_in_fan_out: false }
  return { ...common, ...ownKeys(options, targets) }
}

/**
 * What peft calls the task of a model. It has no name for a choice; and it asks a model that decodes for a function
 * that transformers 5 no longer has.
 */
function taskType(config: BackboneConfig): string | null {
  const head = headOf(config)
  if (!head) return null
  const { kind } = head
  switch (kind) {
    case 'sequence':
      return 'SEQ_CLS'
    case 'tokens':
      return 'TOKEN_CLS'
    case 'choice':
      return null
    default:
      return assertNever(kind, 'kind of head')
  }
}

/** The keys of one method in peft's config. */
function ownKeys(options: ChangeOptions, targets: Target[]) {
  switch (options.kind) {
    case 'ia3': {
      const scaled = targets.filter(({ name }) => options.scaled_inputs.includes(name.slice(name.lastIndexOf('.') + 1)))
      const feedforward_modules = scaled.map(({ product }) => moduleOf(product))
      return { peft_type: 'IA3', feedforward_modules, init_ia3_weights: true }
    }
    case 'lokr':
      return {
        peft_type: 'LOKR',
        r: options.rank,
        alpha: options.alpha,
        rank_dropout: 0,
        module_dropout: 0,
        decompose_both: options.decompose_both,
        decompose_factor: options.decompose_factor,
        use_effective_conv2d: false,
        init_weights: true,
      }
    case 'vera':
      return {
        peft_type: 'VERA',
        r: options.rank,
        projection_prng_key: options.projection_seed,
        save_projection: true,
        vera_dropout: options.dropout,
        d_initial: options.d_initial,
        bias: 'none',
        init_weights: true,
      }
    case 'lora':
      return {
        peft_type: 'LORA',
        r: options.rank,
        lora_alpha: options.alpha,
        lora_dropout: options.dropout,
        use_rslora: options.rank_stabilised,
        use_dora: options.magnitudes,
        bias: 'none',
        init_lora_weights: true,
      }
    default:
      return assertNever(options, 'method')
  }
}

/** The modules of all norms, those of a T5 by the ends of their names. */
function norms(config: BackboneConfig): string[] {
  if (decodes(config)) return ['layer_norm', 'final_layer_norm']
  const modules = [...backboneTensors(config)].filter(([, { role }]) => isOfNorm(role)).map(([name]) => moduleOf(name))
  return [...new Set(modules)]
}

function modulesToSave(options: ChangeOptions | LayerNormTuningOptions, config: BackboneConfig): string[] | null {
  const { train_layer_norms = false, train_lm_head = false } = options.kind === 'layer_norm_tuning' ? {} : options
  const head = train_lm_head ? headTensor(config) : undefined
  const all = [
    ...(train_layer_norms ? norms(config) : []),
    ...(head === undefined ? [] : [moduleOf(head)]),
    ...headModules(config),
  ]
  return all.length > 0 ? all : null
}

function readmePart({ experiment, config }: Trained, ofBackbone: [string, WritableTensor][], own: OwnFiles): string {
  const renamed = experiment.method.kind === 'prompt_tuning' ? RENAMED : ''
  const loading = `${backboneInPython(experiment, config, ofBackbone, own)}${renamed}`
  return `\`\`\`python
${importsInPython(config, 'from peft import PeftModel')}
${loading}model = PeftModel.from_pretrained(model, ".")  # this folder
model.eval()

${outputInPython(experiment, config, own)}\`\`\`
`
}

const RENAMED = `# peft 0.21 looks for a function of transformers 4
type(model)._prepare_encoder_decoder_kwargs_for_generation = None
`
