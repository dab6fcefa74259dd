import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BackboneConfig, backboneShapes, backboneTensors, familyOf, headTensors } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { copyFile, writeAtomically } from '../../base/files/atomic.js'
import {
  type DeferredTensor,
  elements,
  type WritableTensor,
  writeSafetensors,
} from '../../base/safetensors/safetensors.js'
import { startDevice } from '../../engine/device/device.js'
import { loadTrained } from '../../engine/model/checkpoint.js'
import { disposeModel, mergedWeights } from '../../engine/model/model.js'
import { type OpenedBackbone, prepareBackbone, prepareModel } from '../../engine/prepare/prepare.js'
import type { MethodOptions } from '../../method/options.js'
import { methodOf } from '../../method/registry.js'
import { targetsOf } from '../../method/targets.js'
import tf from '../../tensor/tf.cjs'
import type { ExportFormat, Trained } from '../format.js'
import { autoClassOf } from '../readme/head_in_python.js'
import { importsInPython, outputInPython } from '../readme/in_python.js'
import { type OwnFiles, ownFiles } from '../readme/own_files.js'
import { configText, tokenizerConfigText } from './config.js'

/**
 * A whole model for transformers: the backbone's files, with the weights that the method changed and an encoder's head.
 */
export const huggingfaceFormat: ExportFormat = {
  refusal,
  holdsBackbone: true,
  async write(folder, trained) {
    const backbone = await prepareBackbone(trained.experiment, trained.progress)
    try {
      const { method, task } = trained.experiment
      const config = exportedConfig(method, backbone.config)
      const weights =
        methodOf(method).weights === 'trained'
          ? stored(trained)
          : [...(await made(trained, backbone)), ...ofHead(trained), ...addedBiases(trained, backbone.config, config)]
      trained.progress.phase('Writing')
      writeSafetensors(join(folder, 'model.safetensors'), weights, { format: 'pt' })
      writeAtomically(join(folder, 'config.json'), configText(backbone, config, task))
      for (const name of COPIED) {
        const source = join(backbone.files.folder, name)
        if (existsSync(source)) copyFile(source, join(folder, name))
      }
      const own = await ownFiles(trained.experiment, backbone.config)
      const tokenizer = tokenizerConfigText(backbone, own)
      if (tokenizer !== undefined) writeAtomically(join(folder, TOKENIZER_CONFIG), tokenizer)
      return readme(trained, own)
    } finally {
      backbone.files.close()
    }
  },
}

function refusal(options: MethodOptions, config: BackboneConfig): string | undefined {
  switch (options.kind) {
    case 'full':
    case 'intrinsic':
    case 'layer_norm_tuning':
      return undefined
    case 'lora':
    case 'lokr':
    case 'vera':
    case 'ia3':
      return targetsOf(options, config).some(({ product, matrix }) => product !== matrix) ? TIED : undefined
    case 'adapter':
    case 'compacter':
      return "an adapter sits behind a nonlinearity, so that it cannot be merged into the backbone's weights."
    case 'prefix_tuning':
      return 'the trained keys and values stand in front of those of attention and are no weights of the backbone.'
    case 'bitfit':
      return hasPlace(options, config)
        ? undefined
        : 'the trained biases have no place in this backbone, whose products and norms have none.'
    case 'prompt_tuning':
      return 'the trained prompt is put among the vectors of tokens and is no weight of the backbone.'
    case 'union':
      return options.methods.map((part) => refusal(part, config)).find((reason) => reason !== undefined)
    default:
      return assertNever(options, 'method')
  }
}

/** Whether all that a method trains are tensors of the backbone. */
function hasPlace(options: MethodOptions, config: BackboneConfig): boolean {
  const there = backboneTensors(exportedConfig(options, config))
  return methodOf(options)
    .parameters(options, config)
    .every(({ name }) => there.has(name))
}

/** The config of the model that is written: with the biases that a method adds, where such models may have them. */
function exportedConfig(options: MethodOptions, config: BackboneConfig): BackboneConfig {
  const names = new Set(
    methodOf(options)
      .parameters(options, config)
      .map(({ name }) => name),
  )
  return familyOf(config).withBiases?.(config, names) ?? config
}

const TIED =
  'the head, which the method changes, is the embedding table of this T5: merged, the change would reach the ' +
  'embeddings too.'

const TOKENIZER_CONFIG = 'tokenizer_config.json'

const COPIED = [
  'tokenizer.json',
  TOKENIZER_CONFIG,
  'special_tokens_map.json',
  'added_tokens.json',
  'spiece.model',
  'spm.model',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'sentencepiece.bpe.model',
  'generation_config.json',
]

/** Returns the tensors of full fine-tuning, which are stored under their Hugging Face names, as those of a head are. */
function stored({ tensors }: Trained): [string, DeferredTensor][] {
  return [...tensors.entries.values()].map(({ name, shape }) => [name, { shape, read: () => tensors.read(name) }])
}

const ofHead = (trained: Trained): [string, DeferredTensor][] => {
  const names = headTensors(trained.config)
  return stored(trained).filter(([name]) => names.has(name))
}

/** The biases that the model has and the backbone has not, 0 where the method trains none. */
function addedBiases({ tensors }: Trained, backbone: BackboneConfig, config: BackboneConfig) {
  const before = new Set([...backboneShapes(backbone).keys(), ...headTensors(backbone).keys()])
  const all = new Map([...backboneTensors(config), ...headTensors(config)])
  return [...all]
    .filter(([name]) => !before.has(name))
    .map(([name, { shape }]): [string, WritableTensor] => {
      const data = tensors.entries.has(name) ? tensors.read(name) : new Float32Array(elements(shape))
      return [name, { shape, data }]
    })
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

const readme = ({ experiment, config }: Trained, own: OwnFiles): string => `\`\`\`python
${importsInPython(config)}
model = ${autoClassOf(config)}.from_pretrained(".")  # this folder
${outputInPython(experiment, config, own, '"."')}\`\`\`
`
