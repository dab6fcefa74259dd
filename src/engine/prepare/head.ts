import type { Head } from '../../backbone/family.js'
import { type BackboneConfig, familyOf, withHead } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import { SPLITS } from '../../base/choices.js'
import { type Progress, showDownload } from '../../base/progress.js'
import { encodedTask } from '../../task/encoded.js'
import { labelTexts } from '../../task/labels/labels.js'
import type { TaskOptions } from '../../task/options.js'

/** The texts of the labels that a head has rows for, in their order; empty for a task without labels. */
export const classesOf = (task: TaskOptions): string[] =>
  task.kind === 'classification' && task.labels ? [...new Set(Object.values(task.labels))] : []

/** Returns the config of a backbone with the head that the task needs, if it is an encoder and the labels are known. */
export function headedFor(config: BackboneConfig, task: TaskOptions): BackboneConfig {
  if (familyOf(config).shape !== 'encoder') return config
  const head = headOf(task)
  return head ? withHead(config, head) : config
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
    default:
      return assertNever(read, 'kind of task')
  }
}

/**
 * Returns the task with its labels named, for a head that has a row for each: sorted, from the rows of all splits where
 * the task does not name them. A task for a backbone that decodes is returned as it is.
 */
export async function withLabels(task: TaskOptions, config: BackboneConfig, progress: Progress): Promise<TaskOptions> {
  if (familyOf(config).shape !== 'encoder' || task.kind !== 'classification' || task.labels) return task
  progress.phase('Reading labels')
  const texts = (await labelTexts(encodedTask(task) as typeof task, SPLITS, showDownload(progress))).sort()
  return { ...task, labels: Object.fromEntries(texts.map((text) => [text, text])) }
}
