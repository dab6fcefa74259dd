import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { assertNever } from '../base/assert_never.js'
import { UserError } from '../base/error.js'
import { openFile } from '../base/files/read.js'
import { checkPredictedWith, type PredictedWith, refusedOfSeveral } from '../compare/predicted_with.js'
import { type StreamedLine, streamLines } from '../predict/lines.js'
import type { ReportRun } from '../run/compare/read_run.js'
import { type LabelNames, namesAmong, shownLabel } from '../task/labels/label_names.js'
import { sameText } from '../task/labels/written_form.js'
import { type Confusion, confusionMatrix } from '../task/metrics/confusion.js'
import { toNumber } from '../task/metrics/correlation.js'
import { type EntityScores, entityScores, unfitTag } from '../task/metrics/entities.js'
import { numberOf } from '../task/metrics/errors.js'
import type { TaskOptions } from '../task/options.js'
import { tagsIn } from '../task/words/tagged.js'
import { type Residual, type Residuals, summed } from './residuals.js'

/** A run's predictions, from the file that `compacter eval --predictions` wrote into its folder. */
export interface Predictions extends PredictedWith {
  rows: number
  wrong: number
  /** The number of lines that are not predictions. */
  damagedLines: number
  worst: WrongRow[]
  /** Says how `worst` is sorted. */
  order: string
  /** Set for a classification. */
  confusion: Confusion | undefined
  /** Set for a regression. */
  residuals: Residuals | undefined
  /** Set for tags, if they are of entities. */
  entities: EntityScores[] | undefined
}

export interface WrongRow {
  /** The line of the file that it comes from. */
  row: number
  source: string
  /** The target as people read it: with its name, where the task names its labels; the same for the prediction. */
  target: string
  prediction: string
  /**
   * How wrong it is: the nats by which the wrong label was likelier than the right one, the distance from the right
   * number, or the number of words with a wrong tag.
   */
  error: number | undefined
}

const WORST = 10

const line = z.object({
  /** Set where the file has predictions of several runs. */
  run: z.string().nullish(),
  row: z.number(),
  source: z.string(),
  /** Files of earlier versions lack it. */
  label: z.string().nullish(),
  target: z.string(),
  answers: z.array(z.string()).nullish(),
  prediction: z.string(),
  scores: z.record(z.string(), z.number()).nullish(),
})
type Line = z.infer<typeof line>

/** Returns the file in which a run's predictions are looked for. */
export const predictionsFile = (folder: string): string => join(folder, 'predictions.jsonl')

/**
 * Reads line by line and keeps only the worst rows; undefined where the run has no such file.
 * @throws UserError where it can't be read, or belongs to other tensors or rows than this run's.
 */
export async function readPredictions(run: ReportRun): Promise<Predictions | undefined> {
  const file = predictionsFile(run.folder)
  const stats = statSync(file, { throwIfNoEntry: false })
  if (!stats) return undefined
  if (!stats.isFile()) throw new UserError({ at: file, problem: 'is not a file.' })
  const predictedWith = checkPredictedWith(file, run)
  const { task } = run.experiment
  const { kind } = task
  const residuals: Residual[] = []
  const predicted: string[] = []
  const targets: string[] = []
  const labels = new Set<string>()
  let worst: WrongRow[] = []
  const counts = { rows: 0, wrong: 0, damagedLines: 0 }
  let ranked = true
  for await (const line of linesOf(file)) {
    if ('text' in line && line.text?.trim() === '') continue
    const read = 'text' in line && line.text !== undefined ? parsed(line.text) : undefined
    if (!read) {
      counts.damagedLines++
      continue
    }
    if (read.run != null) throw refusedOfSeveral(file, run)
    counts.rows++
    ranked &&= read.scores != null
    if (kind === 'classification' || kind === 'token_classification') {
      predicted.push(read.prediction)
      targets.push(read.target)
      for (const label of [read.target, ...Object.keys(read.scores ?? {})]) labels.add(label)
    }
    if (kind === 'regression') residuals.push(residualOf(read))
    if (kind === 'regression' ? isExact(residuals.at(-1)!) : isRight(read)) continue
    counts.wrong++
    worst = [...worst, wrongRow(read, kind)].sort(byError).slice(0, WORST)
  }
  const order = orderOf(kind, ranked)
  const read = { ...predictedWith, ...counts, order }
  const none = { confusion: undefined, residuals: undefined, entities: undefined }
  if (task.kind === 'token_classification') return { ...read, worst, ...none, entities: entitiesOf(predicted, targets) }
  if (task.kind !== 'classification')
    return { ...read, worst, ...none, ...(kind === 'regression' && { residuals: summed(residuals) }) }
  const texts = [...labels, ...predicted]
  for (const label of namedLabels(task, texts)) labels.add(label)
  const names = namesAmong(task, texts)
  const confusion = counts.rows > 0 ? confusionMatrix(predicted, targets, [...labels], names) : undefined
  return { ...read, worst: worst.map((row) => shownRow(row, names)), ...none, confusion }
}

/** Undefined where a tag is of no entity. */
function entitiesOf(predicted: string[], targets: string[]): EntityScores[] | undefined {
  const [outputs, wanted] = [predicted.map(tagsIn), targets.map(tagsIn)]
  return unfitTag(['f1'], [...outputs, ...wanted].flat()) === undefined ? entityScores(outputs, wanted) : undefined
}

/**
 * Yields lines without Node's readline, which in later versions also ends lines at U+2028; JSON may have it inside
 * strings.
 */
async function* linesOf(file: string): AsyncGenerator<StreamedLine> {
  try {
    yield* streamLines(file, createReadStream(file, { fd: openFile(file) }) as AsyncIterable<Buffer>)
  } catch (error) {
    if (error instanceof UserError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new UserError({ at: file, problem: `cannot be read (${code}).` }, { cause: error })
  }
}

const shownRow = (row: WrongRow, names: LabelNames): WrongRow => ({
  ...row,
  target: shownLabel(row.target, names),
  prediction: shownLabel(row.prediction, names),
})

function parsed(text: string): Line | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Returns the labels that a task names, in the form of the texts, which a tokenizer has written. */
function namedLabels({ labels = {} }: { labels?: Record<string, string> | undefined }, texts: string[]): string[] {
  const seen = [...new Set(texts)]
  return Object.values(labels).map((label) => seen.find((text) => sameText(text, label)) ?? label)
}

const isRight = ({ prediction, target, answers }: Line): boolean =>
  [target, ...(answers ?? [])].some((answer) => answer.trim() === prediction.trim())

function wrongRow(line: Line, kind: string): WrongRow {
  const { row, source, target, prediction } = line
  return { row, source, target, prediction, error: errorOf(line, kind) }
}

function errorOf(line: Line, kind: string): number | undefined {
  if (kind === 'regression') {
    const { error, isNumber } = residualOf(line)
    return isNumber ? Math.abs(error) : Number.POSITIVE_INFINITY
  }
  const { target, prediction, scores } = line
  if (kind === 'token_classification') {
    const outputs = tagsIn(prediction)
    return tagsIn(target).filter((tag, i) => tag !== outputs[i]).length
  }
  const right = scores?.[target]
  const wrong = scores?.[prediction]
  return right === undefined || wrong === undefined ? undefined : wrong - right
}

/** Returns the prediction minus the row's number, before it was rounded to the target. */
const residualOf = ({ label, target, prediction }: Line): Residual => ({
  error: numberOf(prediction) - Number(label ?? target),
  isNumber: toNumber(prediction) !== undefined,
})

const isExact = ({ error, isNumber }: Residual): boolean => isNumber && error === 0

/** Sorts by the largest error; rows without an error stay in the file's order, after those. */
const byError = (a: WrongRow, b: WrongRow) => {
  const [left, right] = [a.error ?? Number.NEGATIVE_INFINITY, b.error ?? Number.NEGATIVE_INFINITY]
  return left === right ? 0 : right - left
}

/** Ranking is suggested where it is possible: where outputs are a few labels or choices. */
function orderOf(kind: TaskOptions['kind'], ranked: boolean): string {
  switch (kind) {
    case 'regression':
      return 'outputs that are not numbers first, then the largest errors'
    case 'token_classification':
      return 'by their number of wrong tags'
    case 'text':
      return "in the file's order"
    case 'classification':
    case 'multiple_choice':
      if (ranked) return 'by how much likelier the wrong answer was than the right one, in nats'
      return "in the file's order; `--scoring rank` sorts them by how sure the model was"
    default:
      return assertNever(kind, 'kind of task')
  }
}
