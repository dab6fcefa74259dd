import { UserError } from '../base/error.js'
import type { Progress } from '../base/progress.js'
import { without } from '../base/yaml/merge.js'
import type { Experiment, TrainingOptions } from '../experiment/schema.js'
import { type ReadTask, readTask } from '../experiment/task.js'
import type { Card } from '../run/card.js'

/** The keys of `training` that change what eval and predict put out, or how many rows they decode at once. */
const SCORED_BY = ['scoring', 'source_length', 'target_length', 'evaluation_batch_size'] as const

interface Given {
  backbone: string
  runDir: string
  /** A task preset or an experiment. */
  task?: string
  progress: Progress
}

/**
 * Returns all of an imported run's experiment but its method. Of `training`, the values by which it is scored are those
 * of the experiment that names the task; nothing is trained any more, so the others only complete an experiment.
 * @throws UserError where neither our card nor `task` tells the task
 */
export function experimentAround(path: string, card: Card | undefined, given: Given): Omit<Experiment, 'method'> {
  const { backbone, task: named, runDir, progress } = given
  if (card) {
    const { name, training, backbone: before, task: own } = card.experiment
    const around = { name, backbone: { ...before, name: backbone } }
    if (named === undefined) return { ...around, task: own, training }
    const read = readTask(named)
    return {
      ...around,
      task: read.task,
      training: read.training ? scoredAs(training, named, read, progress) : training,
    }
  }
  if (named === undefined) {
    throw new UserError({
      at: path,
      problem: 'does not tell its task.',
      remedy: 'Name it with --task, such as glue/rte.',
    })
  }
  const read = readTask(named)
  return {
    name: nameOf(runDir),
    backbone: { name: backbone, trim_vocabulary: false },
    task: read.task,
    training: scoredAs({ epochs: 1, learning_rate: 3e-3 } as TrainingOptions, named, read, progress),
  }
}

/** Returns the values of training with those by which the named experiment scores, and says which they are. */
function scoredAs(training: TrainingOptions, named: string, read: ReadTask, progress: Progress): TrainingOptions {
  if (!read.training) {
    progress.note(
      `${named} is a task, so eval and predict use the defaults of training.scoring and training.source_length; ` +
        '--task with an experiment takes its values.',
    )
    return training
  }
  const values = SCORED_BY.flatMap((key) => {
    const value = read.training?.[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  const told = values.map(([key, value]) => `${key} ${value}`).join(', ')
  progress.note(`eval and predict use the values of training in ${named}: ${told}.`)
  return { ...without(training, ...SCORED_BY), ...Object.fromEntries(values) } as TrainingOptions
}

/** The name of the run's folder, without what a name may not have. */
const nameOf = (runDir: string): string =>
  runDir
    .replace(/\/+$/, '')
    .replace(/.*\//, '')
    .replace(/[^\w.-]/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '') || 'imported'
