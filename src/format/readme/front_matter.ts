import { basename, isAbsolute } from 'node:path'
import { assertNever } from '../../base/assert_never.js'
import type { Format } from '../../base/choices.js'
import { presetNames } from '../../base/presets.js'
import { yamlText } from '../../base/yaml/yaml_text.js'
import { isShipped } from '../../experiment/places.js'
import type { Experiment } from '../../experiment/schema.js'
import { type MethodOptions, methodKind } from '../../method/options.js'
import type { Card } from '../../run/card.js'
import type { Scores } from '../../run/directory.js'
import { hubPlaceOf } from '../../task/benchmark/official.js'
import { lowerIsBetter } from '../../task/metrics/direction.js'
import { sourceSplit } from '../../task/rows/source.js'
import { backboneSource } from './in_python.js'

/**
 * Returns the block of YAML that the hub reads a model's metadata from, between its two lines of dashes. It holds what
 * is known and nothing else: no license, which only the owner can give, and no base model that is not on the hub.
 */
export function frontMatter({ format, experiment, metrics }: Card): string {
  const source = backboneSource(experiment)
  const onHub = !isAbsolute(source) && source.includes('/')
  const dataset = datasetOf(experiment.task)
  const test = metrics?.test
  const metadata = {
    ...(isEnglish(experiment.task) && { language: 'en' }),
    library_name: LIBRARIES[format],
    ...(onHub && { base_model: source, base_model_relation: format === 'huggingface' ? 'finetune' : 'adapter' }),
    tags: [...new Set(['compacter', ...kindsOf(experiment.method)])],
    ...(dataset.repository && { datasets: [dataset.repository] }),
    ...(test && {
      metrics: [...new Set(Object.keys(test).map(metricType))],
      'model-index': [{ name: experiment.name, results: [resultOf(experiment, dataset, test)] }],
    }),
  }
  return `---\n${yamlText(metadata)}---\n\n`
}

/** What loads each format, by the names that the hub has for libraries. */
const LIBRARIES: Record<Format, string> = {
  safetensors: 'compacter',
  huggingface: 'transformers',
  peft: 'peft',
  adapterhub: 'adapter-transformers',
  opendelta: 'opendelta',
  'saved-model': 'tensorflow',
}

function kindsOf(method: MethodOptions): string[] {
  const parts = methodKind(method).parts?.(method) ?? [method]
  return parts.map(({ kind }) => kind)
}

interface Dataset {
  name: string
  /** Its id on the hub; undefined for files. */
  repository?: string | undefined
  config?: string | undefined
  /** What the hub calls the split that the test scores are of; undefined where the task split rows by itself. */
  split?: string | undefined
}

function datasetOf(task: Experiment['task']): Dataset {
  const { benchmark, dataset, config, split, splits } = task
  const name = nameOfRows(task)
  if (benchmark !== undefined) {
    const { splits: official, ...place } = hubPlaceOf(benchmark)
    // a held-out validation comes from the training rows, so that the official one is the test
    const tested = split === 'given' ? official.test : split === 'held_out' ? official.validation : undefined
    return { name, ...place, split: tested?.hub }
  }
  const keepsTest = split === 'given' || split === 'held_out'
  return { name, repository: dataset, config, split: keepsTest ? (splits?.test ?? 'test') : undefined }
}

/** What the test rows are called: as the task, or as their file where that is the user's and the task is a preset. */
function nameOfRows(task: Experiment['task']): string {
  const file = task[sourceSplit(task, 'test')]
  const isOther = file !== undefined && !isShipped(file) && presetNames('tasks').includes(task.name)
  return isOther ? basename(file) : task.name
}

/** The benchmarks are English, and so is all that ships. */
const isEnglish = ({ benchmark, train }: Experiment['task']) =>
  benchmark !== undefined || (train !== undefined && isShipped(train))

function resultOf({ task }: Experiment, { name, repository, config, split }: Dataset, test: Scores) {
  return {
    task: { type: taskType(task.kind) },
    dataset: {
      name,
      type: repository ?? name,
      ...(config !== undefined && { config }),
      ...(split === undefined ? { args: { split: `test rows of task.split: ${task.split}` } } : { split }),
    },
    metrics: Object.entries(test).map(([name, score]) => ({
      name,
      type: metricType(name),
      value: valueOn(name, score),
    })),
  }
}

/** The hub's name for a kind of task. */
function taskType(kind: Experiment['task']['kind']): string {
  switch (kind) {
    case 'classification':
    case 'regression':
      return 'text-classification'
    case 'text':
      return 'text2text-generation'
    case 'multiple_choice':
      return 'multiple-choice'
    case 'token_classification':
      return 'token-classification'
    default:
      return assertNever(kind, 'kind of task')
  }
}

/** Names of the hub's metrics that differ from ours. */
const METRIC_TYPES: Record<string, string> = {
  macro_f1: 'f1',
  f1a: 'f1',
  token_f1: 'f1',
  matthews: 'matthews_correlation',
  pearson: 'pearsonr',
  spearman: 'spearmanr',
  rouge_l: 'rouge',
  group_exact_match: 'exact_match',
}

const metricType = (name: string) => METRIC_TYPES[name] ?? name

/** The hub's metrics are shares of one where ours are × 100; errors are in the units of the labels in both. */
const valueOn = (name: string, score: number) => Number((lowerIsBetter(name) ? score : score / 100).toFixed(6))
