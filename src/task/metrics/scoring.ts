import { assertNever } from '../../base/assert_never.js'
import type { TaskOptions } from '../options.js'

/** Whether a task's outputs are a few labels or choices, which can be ranked. */
export function isRankable({ kind }: Pick<TaskOptions, 'kind'>): boolean {
  switch (kind) {
    case 'classification':
    case 'multiple_choice':
      return true
    case 'regression':
    case 'text':
    case 'token_classification':
      return false
    default:
      return assertNever(kind, 'kind of task')
  }
}
