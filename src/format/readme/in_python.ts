import { isAbsolute } from 'node:path'
import { backbonePreset } from '../../backbone/files/preset.js'
import { type BackboneConfig, headOf, isEncoder } from '../../backbone/registry.js'
import type { WritableTensor } from '../../base/safetensors/safetensors.js'
import { classesOf } from '../../engine/prepare/head.js'
import type { Experiment } from '../../experiment/schema.js'
import { writtenAs } from '../../task/example.js'
import { autoClassOf, headInPython } from './head_in_python.js'
import type { OwnFiles } from './own_files.js'

/** Returns what transformers loads a backbone from: its id on the hub, or its folder here. */
export const backboneSource = ({ backbone }: Experiment): string =>
  backbonePreset(backbone.name)?.source ?? backbone.name

/** Returns Python code that imports a library by `line`, and what the other lines need of transformers and PyTorch. */
export function importsInPython(config: BackboneConfig, line?: string): string {
  const encoder = isEncoder(config)
  const lines = [encoder && 'import torch', line, `from transformers import ${autoClassOf(config)}, AutoTokenizer`]
  return `${lines.filter(Boolean).join('\n')}\n`
}

/**
 * Returns Python code that loads the backbone, as the variables `backbone` and `model`. It cuts the vocabulary to as
 * many rows as a head has that was trained on the tokenizer's vocabulary.
 */
export function backboneInPython(
  experiment: Experiment,
  config: BackboneConfig,
  ofBackbone: [string, WritableTensor][],
  { otherHead }: Pick<OwnFiles, 'otherHead'> = { otherHead: false },
): string {
  const source = backboneSource(experiment)
  const place = isAbsolute(source) ? '  # its folder, on the machine of the export' : ''
  const head = ofBackbone.find(([name]) => name === 'shared.weight' || name === 'lm_head.weight')
  const cut = experiment.backbone.trim_vocabulary ? head : undefined
  const sizes = otherHead ? ', ignore_mismatched_sizes=True' : ''
  return `backbone = ${JSON.stringify(source)}${place}
model = ${autoClassOf(config)}.from_pretrained(backbone${headArguments(experiment, config)}${sizes}).float()
${cut ? `model.resize_token_embeddings(${cut[1].shape[0]})\n` : ''}`
}

/** What from_pretrained has to know to make the head. */
function headArguments({ task }: Experiment, config: BackboneConfig): string {
  const head = headOf(config)
  if (!head || head.kind === 'choice') return ''
  const labels = classesOf(task).map((label, i) => `${i}: ${JSON.stringify(label)}`)
  return labels.length > 0 ? `, id2label={${labels.join(', ')}}` : ', num_labels=1'
}

/** The most tokens of an output whose run sets no limit. */
const LONGEST_OUTPUT = 128

/**
 * Python that loads a tokenizer. A byte-level one has to put a blank in front of each word: some classes of
 * transformers refuse words without the argument, and others take it and do nothing.
 */
function tokenizerInPython(from: string, byteLevel: string | undefined): string {
  if (byteLevel === undefined) return `tokenizer = AutoTokenizer.from_pretrained(${from})\n`
  return `tokenizer = AutoTokenizer.from_pretrained(${from}, add_prefix_space=True)
tokenizer.backend_tokenizer.${byteLevel}.add_prefix_space = True  # some classes ignore the argument
`
}

/**
 * Returns Python code that prints what `model` puts out for a source; `from` is Python for the tokenizer's folder or
 * id.
 */
export function outputInPython(
  experiment: Experiment,
  config: BackboneConfig,
  { byteLevel }: Pick<OwnFiles, 'byteLevel'>,
  from = 'backbone',
): string {
  const tokenizer = tokenizerInPython(from, byteLevel)
  if (isEncoder(config)) return tokenizer + headInPython(config, experiment)
  const { task, training } = experiment
  return `${tokenizer}\
text = ${JSON.stringify(writtenAs(task)[0])}  # with a row's text in place of each {column}
source = tokenizer(text, truncation=True, max_length=${training.source_length}, return_tensors="pt")
output = model.generate(**source, max_new_tokens=${training.target_length ?? LONGEST_OUTPUT})
print(tokenizer.decode(output[0], skip_special_tokens=True))
`
}
