import { join } from 'node:path'
import { type BackboneConfig, familyOf, headOf, isEncoder } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { writeAtomically } from '../../base/files/atomic.js'
import { type WritableTensor, writeSafetensors } from '../../base/safetensors/safetensors.js'
import type { MethodOptions, Placement } from '../../method/options.js'
import { layerNumbers } from '../../method/options.js'
import { writeJson } from '../../run/directory.js'
import { renamedTensors } from '../elsewhere.js'
import type { ExportFormat, Trained } from '../format.js'
import { architectureOf } from '../huggingface/architecture.js'
import { headKeys } from '../huggingface/config.js'
import type { BottleneckOptions } from '../names_elsewhere.js'
import { nonlinearityRefusal, nonlinearityThere } from '../nonlinearities.js'
import { backboneInPython, importsInPython, outputInPython } from '../readme/in_python.js'
import { type OwnFiles, ownFiles } from '../readme/own_files.js'
import { ADAPTERHUB_FILES, adapterhubNames, isInHeadFile, placesOf, VERSION } from './names.js'

/**
 * Adapters for the Python library `adapters`. Its format has no place for the trained layer norms, which are in a file
 * next to them.
 */
export const adapterhubFormat: ExportFormat = {
  refusal,
  holdsBackbone: false,
  async write(folder, trained) {
    const { experiment, config } = trained
    const options = experiment.method as BottleneckOptions
    const name = adapterName(experiment.name)
    const { own, ofBackbone } = renamedTensors(adapterhubNames(options, config, name), trained)
    writeSafetensors(join(folder, ADAPTERHUB_FILES.weights), own, { format: 'pt' })
    const text = JSON.stringify(adapterConfig(options, trained, name), null, 2)
    // the library needs a float
    writeAtomically(join(folder, ADAPTERHUB_FILES.config), `${text.replace(/"scaling": \d+(?=,)/, '$&.0')}\n`)
    const head = ofBackbone.filter(([name]) => isInHeadFile(name, config))
    if (head.length > 0) {
      writeSafetensors(join(folder, ADAPTERHUB_FILES.head), head, { format: 'pt' })
      writeJson(join(folder, ADAPTERHUB_FILES.headConfig), headConfig(trained))
    }
    const beside = ofBackbone.filter((tensor) => !head.includes(tensor))
    if (beside.length > 0) writeSafetensors(join(folder, ADAPTERHUB_FILES.norms), beside, { format: 'pt' })
    return readmePart(trained, name, beside, await ownFiles(experiment, config))
  },
}

function refusal(options: MethodOptions, config: BackboneConfig): string | undefined {
  return placesOf(config) ? refusalOf(options, config) : 'the library `adapters` has no ModernBERT.'
}

function refusalOf(options: MethodOptions, config: BackboneConfig): string | undefined {
  switch (options.kind) {
    case 'adapter':
      return options.factors === 'dense' ? commonRefusal(options) : 'the library `adapters` has no low-rank adapters.'
    case 'compacter':
      if (options.rule_factors === 'low_rank' && options.rank > 1)
        return 'the library `adapters` knows factors of the rule of rank 1 only.'
      return options.blocks === 'shared' && options.factors === 'full'
        ? 'the library `adapters` fails on shared blocks that are stored whole.'
        : commonRefusal(options)
    case 'prompt_tuning':
      return isEncoder(config)
        ? 'prompts are not written for the library `adapters`.'
        : 'the library `adapters` has no prompt tuning for T5.'
    case 'prefix_tuning':
      return 'only adapters are written for the library `adapters`, no prefixes.'
    case 'lora':
    case 'lokr':
    case 'vera':
    case 'ia3':
    case 'layer_norm_tuning':
      return 'this method is written for Hugging Face peft, and merged into the weights of a Hugging Face model.'
    case 'union':
      return 'several methods at once are not written for the library `adapters`.'
    case 'full':
    case 'bitfit':
    case 'intrinsic':
      return 'the library `adapters` holds adapters only.'
    default:
      return assertNever(options, 'method')
  }
}

function commonRefusal({ scale, layer_norm, nonlinearity }: BottleneckOptions): string | undefined {
  return scale !== 1 && (layer_norm === 'after' || layer_norm === 'both')
    ? "the library `adapters` scales in front of the adapter's last layer norm, which takes the scale out."
    : nonlinearityRefusal(nonlinearity, 'the library `adapters`')
}

/** The library's module names must not contain a dot. */
const adapterName = (name: string) => name.replaceAll('.', '_')

/**
 * Returns every key of the library's BnConfig. Our bottleneck after the sublayer's own output is `original_ln_before:
 * false` in all of them, even where the library's preset of that name says otherwise.
 */
function adapterConfig(options: BottleneckOptions, trained: Trained, name: string) {
  const { config } = trained
  const { placement, layer_norm } = options
  const placed = (sublayer: Placement['sublayers'][number]) => placement.sublayers.includes(sublayer)
  const phm = options.kind === 'compacter' ? options : undefined
  return {
    config: {
      adapter_residual_before_ln: false,
      architecture: null,
      cross_adapter: config.decoderLayers > 0 && placed('cross_attention'),
      dropout: 0,
      factorized_phm_W: phm ? phm.factors === 'low_rank' : true,
      factorized_phm_rule: phm?.rule_factors === 'low_rank',
      hypercomplex_nonlinearity: 'glorot-uniform',
      init_weights: 'bert',
      init_weights_seed: null,
      inv_adapter: null,
      inv_adapter_reduction_factor: null,
      is_parallel: options.arrangement === 'parallel',
      learn_phm: phm?.learn_rule ?? true,
      leave_out: leftOut(placement, config),
      ln_after: layer_norm === 'after' || layer_norm === 'both',
      ln_before: layer_norm === 'before' || layer_norm === 'both',
      mh_adapter: placed('attention'),
      non_linearity: nonlinearityThere(options.nonlinearity),
      original_ln_after: true,
      original_ln_before: false,
      output_adapter: placed('feed_forward'),
      phm_bias: true,
      phm_c_init: 'normal',
      phm_dim: phm?.n ?? 4,
      phm_init_range: 0.0001,
      phm_layer: phm !== undefined,
      phm_rank: phm?.rank ?? 1,
      reduction_factor: options.reduction_factor,
      residual_before_ln: true,
      scaling: options.scale,
      shared_W_phm: phm?.blocks === 'shared',
      shared_phm_rule: phm ? phm.rule === 'shared' : true,
      stochastic_depth: 0,
      use_gating: false,
    },
    name,
    ...modelKeys(trained),
  }
}

/** What both of the library's configs say of the model. */
function modelKeys({ config, experiment }: Trained) {
  const json = familyOf(config).toHuggingFace(config)
  return {
    hidden_size: config.dModel,
    model_class: architectureOf(config, json),
    model_name: experiment.backbone.name,
    model_type: json.model_type,
    version: VERSION,
  }
}

/** The library's config of a head that is transformers' own, which has no name. */
function headConfig(trained: Trained) {
  const { experiment, config } = trained
  const { label2id } = headKeys(experiment.task)
  return {
    config: null,
    name: null,
    ...modelKeys(trained),
    ...(label2id !== undefined && { label2id }),
    num_labels: headOf(config)?.labels ?? 0,
  }
}

/** Returns the layers without an adapter; the library numbers the decoder's after the encoder's. */
function leftOut(placement: Placement, { encoderLayers, decoderLayers }: BackboneConfig): number[] {
  const without = (layers: Placement['encoder_layers'], count: number) => {
    const placed = layerNumbers(layers, count)
    return [...Array(count).keys()].filter((layer) => !placed.includes(layer))
  }
  const decoder = without(placement.decoder_layers, decoderLayers).map((layer) => encoderLayers + layer)
  return [...without(placement.encoder_layers, encoderLayers), ...decoder]
}

function readmePart(
  { experiment, config }: Trained,
  name: string,
  beside: [string, WritableTensor][],
  own: OwnFiles,
): string {
  const norms = beside.length > 0
  const libraries = ['import adapters', ...(norms ? ['from safetensors.torch import load_file'] : [])].join('\n')
  return `\`\`\`python
${importsInPython(config, libraries)}
${backboneInPython(experiment, config, beside, own)}adapters.init(model)
model.load_adapter(".", use_safetensors=True)  # this folder
model.set_active_adapters("${name}")
${norms ? BESIDE : ''}model.eval()

${outputInPython(experiment, config, own)}\`\`\`

The library applies dropout before the adapter, here it comes after: outputs agree in evaluation, not in training.
`
}

const BESIDE = `# The format has no place for tensors of the backbone, such as its layer norms, which were trained too:
_, unexpected = model.load_state_dict(load_file("layer_norms.safetensors"), strict=False)
assert not unexpected
`
