import { ExperimentError } from '../../base/error.js'
import type { Path } from '../../base/yaml/source.js'

/** A key of the task does not match its files: a mistake in the experiment that only the files show. */
export class TaskMisfit extends ExperimentError {
  /**
   * `key` is within the task: `prompt`, `subset.size`. `problemIn` words the problem, given what to call the file or
   * folder.
   */
  constructor(
    readonly key: string,
    readonly path: string,
    readonly problemIn: (path: string) => string,
    remedy: string,
    called = 'this file',
  ) {
    super({ at: path, problem: problemIn(called), remedy })
  }
}

/** A key of the experiment does not match the backbone's tokenizer or the labels of the rows. */
export class LabelMisfit extends ExperimentError {
  constructor(
    readonly keys: readonly string[],
    problem: string,
    remedy: string,
  ) {
    super({ at: keys.join('.'), problem, remedy })
  }
}

/**
 * Does the work and rethrows a misfit with the place of its key in the experiment: `file:line:column`, or `--set
 * key=value`.
 */
export async function toldAtItsKey<T>(locate: (path: Path) => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof LabelMisfit) {
      const { keys, problem, remedy = '' } = error
      throw new ExperimentError({ at: locate(keys), problem, remedy }, { cause: error })
    }
    if (!(error instanceof TaskMisfit)) throw error
    const { key, path, problemIn, remedy } = error
    const complaint = {
      at: locate(['task', ...key.split('.')]),
      problem: problemIn(path),
      ...(remedy !== undefined && { remedy }),
    }
    throw new ExperimentError(complaint, { cause: error })
  }
}
