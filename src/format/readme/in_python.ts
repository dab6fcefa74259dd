import { isAbsolute } from 'node:path'
import { backbonePreset } from '../../backbone/files/preset.js'
import type { WritableTensor } from '../../base/safetensors/safetensors.js'
import type { Experiment } from '../../experiment/schema.js'
import { writtenAs } from '../../task/example.js'

/** Returns what transformers loads a backbone from: its id on the hub, or its folder here. */
export const backboneSource = ({ backbone }: Experiment): string =>
  backbonePreset(backbone.name)?.source ?? backbone.name

/**
 * Returns Python code that loads the backbone, as the variables `backbone` and `model`. It cuts the vocabulary to as
 * many rows as a head has that was trained on the tokenizer's vocabulary.
 */
export function backboneInPython(experiment: Experiment, ofBackbone: [string, WritableTensor][]): string {
  const source = backboneSource(experiment)
  const place = isAbsolute(source) ? '  # its folder, on the machine of the export' : ''
  const head = ofBackbone.find(([name]) => name === 'shared.weight' || name === 'lm_head.weight')
  const cut = experiment.backbone.trim_vocabulary ? head : undefined
  return `backbone = ${JSON.stringify(source)}${place}
model = AutoModelForSeq2SeqLM.from_pretrained(backbone).float()
${cut ? `model.resize_token_embeddings(${cut[1].shape[0]})\n` : ''}`
}

/** The most tokens of an output whose run sets no limit. */
const LONGEST_OUTPUT = 128

/** Returns Python code that prints what `model` puts out for a source. */
export const outputInPython = ({ task, training }: Experiment): string => `\
tokenizer = AutoTokenizer.from_pretrained(backbone)
text = ${JSON.stringify(writtenAs(task)[0])}  # with a row's text in place of each {column}
source = tokenizer(text, truncation=True, max_length=${training.source_length}, return_tensors="pt")
output = model.generate(**source, max_new_tokens=${training.target_length ?? LONGEST_OUTPUT})
print(tokenizer.decode(output[0], skip_special_tokens=True))
`
