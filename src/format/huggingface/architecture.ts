import type { Head } from '../../backbone/family.js'
import { type BackboneConfig, familyOf, headOf } from '../../backbone/registry.js'

/** What transformers calls its models with a head, by the kind of head. */
const WITH_HEAD: Record<Head['kind'], string> = {
  sequence: 'ForSequenceClassification',
  tokens: 'ForTokenClassification',
  choice: 'ForMultipleChoice',
}

/** What the name of a class with a head ends with. */
export const architectureWithHead = ({ kind }: Head): string => WITH_HEAD[kind]

/** What the names of a type's classes start with, by model_type. */
const CLASSES: Record<string, string> = {
  t5: 'T5',
  mt5: 'MT5',
  bert: 'Bert',
  roberta: 'Roberta',
  'xlm-roberta': 'XLMRoberta',
  electra: 'Electra',
  distilbert: 'DistilBert',
  'deberta-v2': 'DebertaV2',
  modernbert: 'ModernBert',
}

/** The class of transformers that computes what a run does: `BertForSequenceClassification`. */
export function architectureOf(config: BackboneConfig, json: Record<string, unknown>): string {
  const type = String(json.model_type ?? familyOf(config).name)
  const model = CLASSES[type]
  if (model === undefined) throw new Error(`no class of transformers is known for model_type ${type}`)
  const head = headOf(config)
  return `${model}${head ? architectureWithHead(head) : 'ForConditionalGeneration'}`
}
