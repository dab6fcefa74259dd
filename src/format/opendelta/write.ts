import { join } from 'node:path'
import { type BackboneConfig, isEncoder } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { sites } from '../../method/adapter/placement.js'
import type { AdapterOptions, CompacterOptions, MethodOptions } from '../../method/options.js'
import { writeJson } from '../../run/directory.js'
import { renamedTensors } from '../elsewhere.js'
import type { ExportFormat } from '../format.js'
import { type OpendeltaOptions, opendeltaModule, opendeltaNames, opendeltaType } from '../names_elsewhere.js'
import { nonlinearityRefusal, nonlinearityThere } from '../nonlinearities.js'
import { backboneInPython } from '../readme/in_python.js'
import { writeTorchFile } from '../torch/write.js'

export const OPENDELTA_FILES = { config: 'config.json', weights: 'pytorch_model.bin' }

/** Adapters and prompts for OpenDelta 0.3: a pickled state dict, which includes the trained layer norms. */
export const opendeltaFormat: ExportFormat = {
  refusal: (options, config) =>
    isEncoder(config) ? 'files of OpenDelta are written for a T5 only.' : refusalOf(options),
  holdsBackbone: false,
  async write(folder, trained) {
    const { experiment, config } = trained
    const options = experiment.method as OpendeltaOptions
    const { own, ofBackbone } = renamedTensors(opendeltaNames(options, config), trained)
    writeTorchFile(join(folder, OPENDELTA_FILES.weights), [...own, ...ofBackbone])
    writeJson(join(folder, OPENDELTA_FILES.config), deltaConfig(options, config, experiment.backbone.name))
    const loading = readmePart(backboneInPython(experiment, config, ofBackbone))
    return options.kind === 'prompt_tuning' ? loading : loading + ADAPTERS
  },
}

function refusalOf(options: MethodOptions): string | undefined {
  switch (options.kind) {
    case 'prompt_tuning':
      return undefined
    case 'lora':
    case 'lokr':
    case 'vera':
    case 'ia3':
    case 'layer_norm_tuning':
    case 'prefix_tuning':
    case 'full':
    case 'bitfit':
    case 'intrinsic':
      return 'only adapters and prompts are written for OpenDelta.'
    case 'union':
      return 'several methods at once are not written for OpenDelta.'
    case 'adapter':
      return options.factors === 'low_rank' && options.rank > 1
        ? 'OpenDelta multiplies low-rank factors elementwise, which is their product at rank 1 only.'
        : commonRefusal(options)
    case 'compacter':
      return options.rule_factors === 'low_rank' && options.rank > 1
        ? 'OpenDelta knows factors of the rule of rank 1 only.'
        : commonRefusal(options)
    default:
      return assertNever(options, 'method')
  }
}

function commonRefusal(options: AdapterOptions | CompacterOptions): string | undefined {
  const { layer_norm, arrangement, scale, nonlinearity } = options
  if (layer_norm !== 'none') return 'OpenDelta has no layer norms in its adapters.'
  if (arrangement === 'parallel') return 'OpenDelta reads the adapters in its files as sequential ones.'
  if (scale !== 1) return 'OpenDelta has no scale in the adapters of its files.'
  return nonlinearityRefusal(nonlinearity, 'OpenDelta')
}

/** Returns the arguments of OpenDelta's model of that type. Modules are named in full, so that no other one matches. */
function deltaConfig(options: OpendeltaOptions, config: BackboneConfig, backbone: string) {
  const always = {
    backbone_checkpoint_name: backbone,
    backbone_class: 'T5ForConditionalGeneration',
    backbone_hash: null,
    common_structure: false,
    exclude_modules: null,
    opendelta_version: '0.3.2',
  }
  if (options.kind === 'prompt_tuning')
    return {
      ...always,
      delta_type: 'soft_prompt',
      modified_modules: ['root'],
      unfrozen_modules: ['deltas'],
      soft_token_num: options.length,
      token_init: options.start === 'vocabulary',
      init_range: 0.5,
    }
  const type = opendeltaType(options)
  const common = {
    ...always,
    delta_type: type,
    modified_modules: sites(options.placement, config).map(opendeltaModule),
    non_linearity: nonlinearityThere(options.nonlinearity),
    unfrozen_modules: ['deltas', ...(options.train_layer_norms ? ['layer_norm', 'final_layer_norm'] : [])],
  }
  if (options.kind === 'compacter')
    return {
      ...common,
      reduction_factor: options.reduction_factor,
      hypercomplex_division: options.n,
      phm_rank: options.rank,
      factorized_phm: options.factors === 'low_rank',
      factorized_phm_rule: options.rule_factors === 'low_rank',
      learn_phm: options.learn_rule,
      shared_phm_rule: false,
      shared_W_phm: false,
      phm_c_init: 'normal',
      phm_init_range: 0.0001,
      hypercomplex_nonlinearity: 'glorot-uniform',
      kronecker_prod: null,
      use_bias_down_sampler: true,
      use_bias_up_sampler: true,
    }
  return type === 'adapter'
    ? { ...common, bottleneck_dim: config.dModel / options.reduction_factor }
    : {
        ...common,
        reduction_factor: options.reduction_factor,
        low_rank_rank: options.rank,
        low_rank_w_init: 'glorot-uniform',
      }
}

const readmePart = (backbone: string) => `\`\`\`python
from opendelta import AutoDeltaModel
from transformers import AutoModelForSeq2SeqLM

${backbone}AutoDeltaModel.from_finetuned(".", backbone_model=model, check_hash=False)  # this folder
model.eval()
\`\`\`
`

const ADAPTERS = `
The trained layer norms are in the same file, under the backbone's names. OpenDelta shares no rule between layers: it is
copied into each, and trains apart if you go on training there. \`backbone_hash\` is left out, since it depends on the
version of transformers.
`
