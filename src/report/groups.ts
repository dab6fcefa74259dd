import type { Result } from '../run/directory.js'
import { type Spread, spread, spreadOfScores } from '../sweep/spread.js'
import { changesOf, leavesOf, methodName } from './method_name.js'
import type { ReportRun } from './run_files.js'

export type FinishedRun = ReportRun & { result: Result }

/** Runs that differ in nothing but seeds. */
export interface Group {
  /** The row of a table: the method and what else tells the group from others on the same task. */
  method: string
  /** The column: the task, with the number of training rows where a subset was trained on. */
  task: string
  runs: ReportRun[]
  finished: FinishedRun[]
}

/** Over a group's finished runs. A task's score is the mean of its metrics. */
export interface Summary {
  runs: number
  validation: Record<string, Spread>
  test: Record<string, Spread>
  score: Spread
}

/** What makes no difference to a run's scores, or only by chance. */
const NO_DIFFERENCE = new Set([
  'seed',
  'checkpoint_every',
  'evaluation_batch_size',
  'engine_mode',
  'workers',
  'on_worker_lost',
  'tensorboard',
])

/** In the order of the runs. */
export function groupRuns(runs: readonly ReportRun[]): Group[] {
  const groups = new Map<string, ReportRun[]>()
  for (const run of runs) {
    const key = JSON.stringify([taskName(run), methodName(run.experiment.method), [...settings(run)].sort()])
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  const all = [...groups.values()]
  return all.map((members) => ({
    method: groupName(members[0]!, all),
    task: taskName(members[0]!),
    runs: members,
    finished: members.filter((run): run is FinishedRun => run.result !== undefined),
  }))
}

/** Undefined where no run is finished. */
export function summaryOf({ finished }: Group): Summary | undefined {
  if (finished.length === 0) return undefined
  const over = (split: 'validation' | 'test') => spreadOfScores(finished.map(({ result }) => result[split]))
  const score = spread(finished.map(({ result }) => spread(Object.values(result.test)).mean))
  return { runs: finished.length, validation: over('validation'), test: over('test'), score }
}

/** `rotten-tomatoes`, or `rotten-tomatoes, 100 rows`. */
export function taskName({ experiment: { task } }: ReportRun): string {
  return task.subset ? `${task.name}, ${task.subset.size.toLocaleString('en')} rows` : task.name
}

/** Backbone and training, by dotted keys. */
function settings({ experiment: { backbone, training } }: ReportRun): Map<string, unknown> {
  const kept = Object.fromEntries(
    Object.entries(training).filter(([key, value]) => !NO_DIFFERENCE.has(key) && value !== undefined),
  )
  return leavesOf({ ...kept, backbone })
}

/** A learning rate is told only where another group of the same method and task has another. */
function groupName(run: ReportRun, groups: ReportRun[][]): string {
  const name = methodName(run.experiment.method)
  const firsts = groups.map(([first]) => first!)
  const several = new Set(firsts.map(({ experiment }) => experiment.backbone.name)).size > 1
  const rivals = firsts.filter(
    (other) =>
      other !== run &&
      taskName(other) === taskName(run) &&
      other.experiment.backbone.name === run.experiment.backbone.name &&
      methodName(other.experiment.method) === name,
  )
  const changes = new Set(rivals.flatMap((rival) => changesOf(settings(run), settings(rival))))
  return [several ? `${name} on ${run.experiment.backbone.name}` : name, ...changes].join(', ')
}

/** Told apart in a plot's legend and a table's rows, in the order of the groups. */
export const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
