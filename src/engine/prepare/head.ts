import type { Head } from '../../backbone/family.js'
import { type BackboneConfig, headTensors, isEncoder, withHead } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { SPLITS } from '../../base/choices.js'
import { type Progress, showDownload } from '../../base/progress.js'
import { elements } from '../../base/safetensors/safetensors.js'
import { encodedTask } from '../../task/encoded.js'
import { labelTexts } from '../../task/labels/labels.js'
import { type TagMetric, unfitTag, unfitTagWords } from '../../task/metrics/entities.js'
import type { TaskOptions } from '../../task/options.js'
import { LabelMisfit } from '../../task/rows/misfit.js'

/** The texts of the labels that a head has rows for, in their order; empty for a task without labels. */
export const classesOf = (task: TaskOptions): string[] =>
  hasClasses(task) && task.labels ? [...new Set(Object.values(task.labels))] : []

type Classed = Extract<TaskOptions, { kind: 'classification' | 'token_classification' }>

/** Whether a head has a row for each of the task's labels or tags. */
const hasClasses = (task: TaskOptions): task is Classed =>
  task.kind === 'classification' || task.kind === 'token_classification'

/** Returns the config of a backbone with the head that the task needs, if it is an encoder and the labels are known. */
export function headedFor(config: BackboneConfig, task: TaskOptions): BackboneConfig {
  if (!isEncoder(config)) return config
  const head = headOf(task)
  return head ? withHead(config, head) : config
}

/** Returns the number of parameters of the head that a config names, which are trained; nothing without one. */
export function headCount(config: BackboneConfig): { head_parameters?: number } {
  const shapes = [...headTensors(config).values()].map(({ shape }) => shape)
  return shapes.length === 0 ? {} : { head_parameters: shapes.reduce((sum, shape) => sum + elements(shape), 0) }
}

function headOf(task: TaskOptions): Head | undefined {
  const read = encodedTask(task)
  switch (read.kind) {
    case 'classification':
      return read.labels && { kind: 'sequence', labels: classesOf(read).length }
    case 'regression':
      return { kind: 'sequence', labels: 1 }
    case 'multiple_choice':
      return { kind: 'choice', labels: 1 }
    case 'token_classification':
      return read.labels && { kind: 'tokens', labels: classesOf(read).length }
    default:
      return assertNever(read, 'kind of task')
  }
}

/**
 * Returns the task with its labels named, for a head that has a row for each: sorted, from the rows where the task does
 * not name them, of all splits or, for tags, of training. A task for a backbone that decodes is returned as it is.
 * @throws LabelMisfit for tags that the task's metrics can't be of
 */
export async function withLabels(task: TaskOptions, config: BackboneConfig, progress: Progress): Promise<TaskOptions> {
  if (!isEncoder(config) || !hasClasses(task) || task.labels) return task
  progress.phase('Reading labels')
  const splits = task.kind === 'token_classification' ? (['train'] as const) : SPLITS
  const texts = (await labelTexts(encodedTask(task) as typeof task, splits, showDownload(progress))).sort()
  if (task.kind === 'token_classification') checkTags(task.metrics, texts)
  return { ...task, labels: Object.fromEntries(texts.map((text) => [text, text])) }
}

/** @throws LabelMisfit */
function checkTags(metrics: readonly TagMetric[], tags: readonly string[]): void {
  const unfit = unfitTag(metrics, tags)
  if (unfit !== undefined) throw new LabelMisfit(['task', 'metrics'], ...unfitTagWords(metrics, unfit))
}
