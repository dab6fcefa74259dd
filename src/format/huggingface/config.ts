import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type BackboneConfig, familyOf, headOf, isEncoder, readsSegments } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { readJson } from '../../base/files/json_file.js'
import { classesOf } from '../../engine/prepare/head.js'
import type { OpenedBackbone } from '../../engine/prepare/prepare.js'
import type { TaskOptions } from '../../task/options.js'
import type { OwnFiles } from '../readme/own_files.js'
import { architectureOf } from './architecture.js'

/**
 * Returns the config.json of an export: the backbone's own with what is different now. Every tensor is float32, the
 * vocabulary may be trimmed, there may be more biases, and an encoder has the head of the task.
 */
export function configText(
  { files, config: opened }: OpenedBackbone,
  config: BackboneConfig,
  task: TaskOptions,
): string {
  const { torch_dtype: _, ...own } = readJson(join(files.folder, 'config.json')) as Record<string, unknown>
  const architectures = [architectureOf(config, own)]
  const headed = headOf(config) && { ...withoutHead(own), ...headKeys(task), architectures }
  const biases = difference(familyOf(config).toHuggingFace(config), familyOf(opened).toHuggingFace(opened))
  const changed = { architectures, ...(headed || own), ...biases, vocab_size: config.vocabulary }
  return `${JSON.stringify({ ...changed, dtype: 'float32' }, null, 2).replace(WHOLE_FLOAT, '$1.0')}\n`
}

/** The keys whose values in `now` are others than in `before`. */
const difference = (now: Record<string, unknown>, before: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(now).filter(([key, value]) => !isDeepStrictEqual(value, before[key])))

/** The keys that tell of a head: a checkpoint may have had another one. */
const HEAD_KEYS = ['num_labels', 'id2label', 'label2id', 'problem_type', 'finetuning_task']

const withoutHead = (json: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(json).filter(([key]) => !HEAD_KEYS.includes(key)))

/** The keys from which transformers builds the head of a task; a choice has one row whatever they say. */
export function headKeys(task: TaskOptions): Record<string, unknown> {
  switch (task.kind) {
    case 'classification':
      return { problem_type: 'single_label_classification', ...labelKeys(classesOf(task)) }
    case 'token_classification':
      return labelKeys(classesOf(task))
    case 'regression':
      return { problem_type: 'regression', id2label: { 0: task.label }, label2id: { [task.label]: 0 } }
    case 'multiple_choice':
      return SUMMARY
    case 'text':
      throw new Error('no head writes text')
    default:
      return assertNever(task, 'kind of task')
  }
}

const labelKeys = (labels: readonly string[]) => ({
  id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
  label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
})

/** What ELECTRA's head for a choice does, here always and in transformers by default; no other model reads the keys. */
const SUMMARY = { summary_type: 'first', summary_use_proj: true, summary_activation: 'gelu' }

const FLOATS = [
  ...['initializer_factor', 'dropout_rate', 'classifier_dropout', 'layer_norm_epsilon'],
  ...['hidden_dropout_prob', 'attention_probs_dropout_prob', 'layer_norm_eps', 'initializer_range'],
  ...['dropout', 'attention_dropout', 'seq_classif_dropout', 'qa_dropout', 'summary_last_dropout'],
  ...['norm_eps', 'mlp_dropout', 'embedding_dropout', 'initializer_cutoff_factor'],
  ...['rope_theta', 'global_rope_theta', 'local_rope_theta'],
]

/** JavaScript writes 1.0 as 1, which transformers 5 refuses for these keys. */
const WHOLE_FLOAT = new RegExp(`("(?:${FLOATS.join('|')})": \\d+)(?=,?$)`, 'gm')

/**
 * Returns the tokenizer_config.json of an encoder's export: the backbone's own, which also says what the model reads,
 * and whether words are read as after a blank; undefined where the backbone has none, or writes texts.
 */
export function tokenizerConfigText({ files, config }: OpenedBackbone, { byteLevel }: OwnFiles): string | undefined {
  const file = join(files.folder, 'tokenizer_config.json')
  if (!isEncoder(config) || !existsSync(file)) return undefined
  const types = readsSegments(config) ? ['token_type_ids'] : []
  const changed = {
    ...(readJson(file) as Record<string, unknown>),
    model_input_names: ['input_ids', ...types, 'attention_mask'],
    ...(byteLevel !== undefined && { add_prefix_space: true }),
  }
  return `${JSON.stringify(changed, null, 2).replace(UNLIMITED, `$1${BigInt(1e30)}`)}\n`
}

/** JavaScript writes transformers' number for no limit as 1e+30, which Python reads as a float. */
const UNLIMITED = /("model_max_length": )1e\+30(?=,?$)/m
