import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import { duration } from '../../cli/terminal.js'
import type { EvaluatedRun, EvaluatedRuns } from '../../engine/evaluate/evaluate_run.js'
import type { Plan } from '../../engine/prepare/dry_run.js'
import { methodName } from '../../experiment/method_name.js'
import type { Experiment } from '../../experiment/schema.js'
import { storageLine } from '../../predict/storage.js'
import type { Result, Scores } from '../../run/directory.js'
import { type Confusion, shownLabels } from '../../task/metrics/confusion.js'
import type { EntityScores } from '../../task/metrics/entities.js'
import { drawPairs, drawTable, fits } from './table.js'

/** Returns a table with a column for each metric: `accuracy`. */
function scoreTable(rows: Record<string, Scores>): string {
  const metrics = Object.keys(Object.values(rows)[0]!)
  return drawTable(
    [{ head: 'split' }, ...metrics.map((head) => ({ head, right: true }))],
    Object.entries(rows).map(([split, scores]) => [split, ...metrics.map((metric) => scores[metric]!.toFixed(2))]),
  )
}

/** Returns what `eval` prints: a run's scores with its labels' or entities', or a line for each of several runs. */
export function evaluationTable({ evaluated, storage }: EvaluatedRuns, split: string): string {
  const [only, ...others] = evaluated
  if (others.length > 0) return `${runsTable(evaluated)}\n${storageLine(storage)}`
  const { scores, confusion, entities = [], otherTask } = only!
  const tables = [scoreTable({ [otherTask ?? split]: scores })]
  if (confusion) tables.push(confusionTable(confusion))
  if (entities.length > 0) tables.push(entityTable(entities))
  return tables.join('\n')
}

/** Returns a table with a line for each run and its own task's metrics. */
function runsTable(runs: EvaluatedRun[]): string {
  const shown = (scores: Scores) => Object.entries(scores).map(([metric, score]) => `${metric} ${score.toFixed(2)}`)
  return drawTable(
    [
      { head: 'run' },
      { head: 'task', importance: 2 },
      { head: 'rows', right: true, importance: 1 },
      { head: 'scores' },
    ],
    runs.map(({ run, task, examples, scores }) => [
      run,
      task,
      examples.length.toLocaleString('en'),
      shown(scores).join(', '),
    ]),
  )
}

/** Returns a table with targets as rows and predictions as columns; the counts on the diagonal are right. */
export function confusionTable(confusion: Confusion): string {
  const { counts } = confusion
  const labels = shownLabels(confusion)
  const elsewhere = `${counted(labels.length, 'label')}: the confusion matrix is in --json.`
  if (labels.length > MOST_LABELS) return elsewhere
  const invalid = counts.some((row) => row.at(-1)! > 0)
  const columns = invalid ? [...labels, 'no label'] : labels
  const heads = [{ head: 'target ↓ predicted →' }, ...columns.map((head) => ({ head, right: true }))]
  const rows = labels.map((label, i) => [label, ...counts[i]!.slice(0, columns.length).map(String)])
  return fits(heads, rows) ? drawTable(heads, rows) : elsewhere
}

/** Returns a table with a line for each type of entity. */
function entityTable(entities: readonly EntityScores[]): string {
  const right = (head: string) => ({ head, right: true })
  return drawTable(
    [{ head: 'entity' }, ...['precision', 'recall', 'f1', 'in rows', 'predicted'].map(right)],
    entities.map(({ type, precision, recall, f1, wanted, predicted }) => [
      type,
      ...[precision, recall, f1].map((score) => score.toFixed(2)),
      ...[wanted, predicted].map((count) => count.toLocaleString('en')),
    ]),
  )
}

/** More do not fit on a terminal. */
const MOST_LABELS = 12

const pace = ({ step_seconds }: Result) =>
  step_seconds === undefined ? '' : `, ${Math.round(step_seconds * 1000)} ms per step`

/** Returns what a run trained and its scores. */
export function resultTable(experiment: Experiment, result: Result): string {
  const table = drawPairs([
    ['method', methodName(experiment.method)],
    ['backbone', `${experiment.backbone.name}, ${result.backbone_parameters.toLocaleString('en')} parameters`],
    [
      'trained',
      `${result.trained_parameters.toLocaleString('en')} parameters, ${result.share_percent.toPrecision(3)} %` +
        inHead(result),
    ],
    ['time', `${counted(result.steps, 'step')}, ${duration(result.seconds)}${pace(result)}`],
    ...memoryRows(result),
    ['best step', String(result.best_step)],
    ...lossRow(result, lossUnit(experiment.task, result)),
  ])
  return `${table}\n${scoreTable({ validation: result.validation, test: result.test })}`
}

/**
 * The loss is of a target's tokens; that of an encoder, which has a head, of a row or word, and for numbers the squared
 * difference.
 */
function lossUnit(task: Experiment['task'], { head_parameters }: Result): string {
  if (head_parameters === undefined) return ' nats per token'
  if (task.kind === 'token_classification') return ' nats per word'
  return task.kind === 'regression' ? ', mean squared difference' : ' nats per row'
}

const inHead = ({ head_parameters }: Pick<Result, 'head_parameters'>) =>
  head_parameters === undefined ? '' : `; ${head_parameters.toLocaleString('en')} of them in the head`

const lossRow = ({ validation_loss }: Result, unit: string): [string, string][] =>
  validation_loss === undefined ? [] : [['validation loss', `${validation_loss.toFixed(3)}${unit}`]]

function memoryRows({ peak_memory_bytes, gpu_memory_bytes }: Pick<Result, 'peak_memory_bytes' | 'gpu_memory_bytes'>) {
  const peak: [string, string] = ['peak memory', byteSize(peak_memory_bytes)]
  if (gpu_memory_bytes === undefined) return [peak]
  return [peak, ['GPU memory', byteSize(gpu_memory_bytes)] satisfies [string, string]]
}

/** Returns what `--dry-run` found. */
export function planTable(plan: Plan): string {
  const { rows } = plan
  const number = (value: number) => value.toLocaleString('en')
  const table = drawPairs([
    ['device', plan.device],
    ['steps by', plan.mode],
    ...(plan.batch_size_auto
      ? [['batch size', `auto: ${plan.batch_size_auto.rows} rows, the most that fit`] satisfies [string, string]]
      : []),
    ['rows', `train ${number(rows.train)}, validation ${number(rows.validation)}, test ${number(rows.test)}`],
    ['trained', `${number(plan.trained_parameters)} of ${number(plan.backbone_parameters)} parameters${inHead(plan)}`],
    ['step', `at most ${plan.step_seconds.toFixed(2)} s, on the longest rows`],
    ['training', `${counted(plan.steps, 'step')}, at most ${duration(plan.estimated_seconds)} without evaluations`],
    ...memoryRows(plan),
  ])
  return plan.fits ? table : `${table}\n${tooLarge(plan)}`
}

const tooLarge = ({ measured_batch_size }: Plan) =>
  `The memory of this machine is not enough: measured up to ${counted(measured_batch_size, 'row')}, the rest is ` +
  'extrapolated. Lower training.batch_size.'
