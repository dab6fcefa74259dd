import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BackboneConfig, backboneShapes } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { copyFile, writeAtomically } from '../../base/files/atomic.js'
import { readJson } from '../../base/files/json_file.js'
import { type DeferredTensor, type WritableTensor, writeSafetensors } from '../../base/safetensors/safetensors.js'
import { startDevice } from '../../engine/device/device.js'
import { loadTrained } from '../../engine/model/checkpoint.js'
import { disposeModel, mergedWeights } from '../../engine/model/model.js'
import { type OpenedBackbone, prepareBackbone, prepareModel } from '../../engine/prepare/prepare.js'
import type { MethodOptions } from '../../method/options.js'
import { methodOf } from '../../method/registry.js'
import { targetsOf } from '../../method/targets.js'
import tf from '../../tensor/tf.cjs'
import type { ExportFormat, Trained } from '../format.js'

/** A whole T5 for transformers: the backbone's files, with the weights that the method changed. */
export const huggingfaceFormat: ExportFormat = {
  refusal,
  holdsBackbone: true,
  async write(folder, trained) {
    const backbone = await prepareBackbone(trained.experiment, trained.progress)
    try {
      const weights =
        methodOf(trained.experiment.method).weights === 'trained' ? stored(trained) : await made(trained, backbone)
      trained.progress.phase('Writing')
      writeSafetensors(join(folder, 'model.safetensors'), weights, { format: 'pt' })
      writeAtomically(join(folder, 'config.json'), configText(backbone))
      for (const name of COPIED) {
        const source = join(backbone.files.folder, name)
        if (existsSync(source)) copyFile(source, join(folder, name))
      }
      return README
    } finally {
      backbone.files.close()
    }
  },
}

function refusal(options: MethodOptions, config: BackboneConfig): string | undefined {
  switch (options.kind) {
    case 'full':
    case 'intrinsic':
      return undefined
    case 'layer_norm_tuning':
      return undefined
    case 'lora':
    case 'lokr':
    case 'vera':
    case 'ia3':
      return targetsOf(options, config).some(({ product, matrix }) => product !== matrix) ? TIED : undefined
    case 'adapter':
    case 'compacter':
      return 'an adapter sits behind a nonlinearity, so that it cannot be merged into the weights of a T5.'
    case 'prefix_tuning':
      return 'the trained keys and values stand in front of those of attention and are not weights of a T5.'
    case 'bitfit':
      return 'the trained biases have no place in a T5, whose products and norms have none.'
    case 'prompt_tuning':
      return 'the trained prompt stands in front of the input and is not a weight of a T5.'
    case 'union':
      return options.methods.map((part) => refusal(part, config)).find((reason) => reason !== undefined)
    default:
      return assertNever(options, 'method')
  }
}

const TIED =
  'the head, which the method changes, is the embedding table of this T5: merged, the change would reach the ' +
  'embeddings too.'

const COPIED = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'spiece.model',
  'generation_config.json',
]

/** Returns the tensors of full fine-tuning, which are stored under their Hugging Face names. */
function stored({ tensors }: Trained): [string, DeferredTensor][] {
  return [...tensors.entries.values()].map(({ name, shape }) => [name, { shape, read: () => tensors.read(name) }])
}

/** Returns the backbone's tensors after the method changed them. */
async function made({ experiment, tensors, progress }: Trained, backbone: OpenedBackbone) {
  const device = await startDevice({ engine: 'auto' })
  for (const note of device.notes) progress.warn(note)
  const model = prepareModel(experiment, backbone, progress)
  const vector = tf.tensor1d(loadTrained(tensors.path, model))
  const { values, dispose } = mergedWeights(model, vector)
  const weights: [string, WritableTensor][] = []
  for (const [name, shape] of backboneShapes(backbone.config)) weights.push([name, { shape, data: await values(name) }])
  dispose()
  disposeModel(model)
  vector.dispose()
  return weights
}

/**
 * Returns the backbone's own config with the changes of the export: every tensor is float32, and the vocabulary may be
 * trimmed.
 */
function configText({ files, config }: OpenedBackbone): string {
  const { torch_dtype: _, ...own } = readJson(join(files.folder, 'config.json')) as Record<string, unknown>
  const architecture = own.model_type === 'mt5' ? 'MT5ForConditionalGeneration' : 'T5ForConditionalGeneration'
  const changed = { architectures: [architecture], ...own, vocab_size: config.vocabulary }
  return `${JSON.stringify({ ...changed, dtype: 'float32' }, null, 2).replace(WHOLE_FLOAT, '$1.0')}\n`
}

/** JavaScript writes 1.0 as 1, which transformers 5 refuses for these keys. */
const WHOLE_FLOAT = /("(?:initializer_factor|dropout_rate|classifier_dropout|layer_norm_epsilon)": \d+)(?=,?$)/gm

const README = `\`\`\`python
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

model = AutoModelForSeq2SeqLM.from_pretrained(".")  # this folder
tokenizer = AutoTokenizer.from_pretrained(".")
source = tokenizer(["…"], return_tensors="pt")
print(tokenizer.batch_decode(model.generate(**source), skip_special_tokens=True))
\`\`\`
`
