import { existsSync } from 'node:fs'
import type { Scoring } from '../base/choices.js'
import { UserError } from '../base/error.js'
import type { Progress } from '../base/progress.js'
import { counted } from '../base/text/counted.js'
import { scoringInForce } from '../engine/evaluate/scoring.js'
import type { Storage } from '../engine/model/one_backbone.js'
import { hasCard } from '../run/card.js'
import { runFiles } from '../run/directory.js'
import { onOtherBackbone, openTrainedRun, type TrainedRun } from '../run/trained_run.js'
import { isEncoded } from '../task/encoded.js'
import { checkGiven, type Input, type InputOptions, type InputRow, openInput } from './input.js'
import { type Answer, fileOutput, type Outcome, type Output, standardOutput } from './output.js'
import { openPredictor, type Predictor, type PredictorOptions } from './predictor.js'
import { checkHeader, checkTextual, type Question, questionsOf, textColumn, textual } from './question.js'
import { storageLine } from './storage.js'
import { tableWriter } from './table_writer.js'
import { allTag, columnsToPredict, conllWriter } from './tagged_output.js'
import { windows } from './windows.js'
import { lineWriter, type OutputFormat, type RowWriter } from './writer.js'

export interface PredictRunsOptions extends Omit<PredictorOptions, 'scoring'> {
  /** How outputs are found; by default as the runs were trained. */
  scoring?: Scoring | undefined
  /** Where the runs' backbone and data are now, as in `--set`. */
  sets: readonly string[]
  input: InputOptions
  /** The file to write, once runs and input are known to be usable; by default standard output. */
  output?: { file: string; force: boolean } | undefined
  format: OutputFormat
}

/** Options with the scoring in force. */
type Scored = PredictRunsOptions & Pick<PredictorOptions, 'scoring'>

/** A summary of the prediction. */
export interface Predicted {
  rows: number
  /** The number of rows that could not be predicted. */
  errors: number
  storage: Storage
}

/** Rows of this many batches are sorted by length together, which saves padding. */
const MOST_BATCHES = 8
/** The text that is in memory at once, not counting the row that goes beyond it. */
const CHARACTERS = 2 ** 22
/** Milliseconds that a row waits for others to be predicted with. */
const WAIT = 200
const PROBLEMS_TOLD = 20

/**
 * Predicts rows as they arrive with one or several runs of one backbone, and writes them in their order. A row that
 * can't be used is reported and the others continue.
 * @throws UserError where a run, the input as a whole or the output can't be used.
 */
export async function predictRuns(folders: string[], given: PredictRunsOptions): Promise<Predicted> {
  if (!given.ranks || given.ranks.rank === 0) checkGiven(given.input)
  const runs = openRuns(folders, given.sets, given.input.texts)
  const options = { ...given, scoring: scoringOf(runs, given.scoring) }
  const { scoring, progress } = options
  if (options.ranks && options.ranks.rank > 0) return followRankZero(runs, options)
  if (options.format === 'conll' && !allTag(runs)) throw untagged(options.output!.file)
  const input = openInput(options.input, textual(runs, scoring === 'rank'), columnsToPredict(runs))
  if (input.layout === 'text') checkTextual(runs, scoring === 'rank')
  const output = options.output ? fileOutput(options.output.file, options.output.force) : standardOutput()
  let predictor: Predictor | undefined
  let writer: RowWriter | undefined
  try {
    writer = writerOf(runs, input, output, options)
    predictor = await openPredictor(runs, options)
    if (runs.length > 1) progress.note(storageLine(predictor.storage))
    const counts = await predictAll(runs, predictor, { ...options, input, writer })
    await predictor.finish()
    await writer.end()
    output.finish()
    progress.end()
    if (counts.errors > 0) progress.warn(notPredicted(counts))
    return { ...counts, storage: predictor.storage }
  } catch (error) {
    output.abandon()
    throw error
  } finally {
    progress.end()
    writer?.close()
    await predictor?.close()
    input.close()
  }
}

const untagged = (file: string) =>
  new UserError({
    at: `--output ${file}`,
    problem: "is a file of words and tags, but a run's task is not token_classification.",
    remedy: 'Name a file that ends in .jsonl, .csv or .tsv.',
  })

const notPredicted = ({ rows, errors }: Pick<Predicted, 'rows' | 'errors'>) =>
  `${errors.toLocaleString('en')} of ${counted(rows, 'row')} could not be predicted.`

function writerOf(
  runs: TrainedRun[],
  { layout, place }: Input,
  output: Output,
  { format, scoring, output: to, progress: { warn } }: Scored,
): RowWriter {
  if (format === 'text' || format === 'jsonl') {
    const folders = runs.map(({ folder }) => folder)
    return lineWriter(output, format, folders)
  }
  if (format === 'conll') return conllWriter(output)
  const ranked = scoring === 'rank'
  const column = layout === 'text' ? textColumn(runs, ranked) : undefined
  return tableWriter(output, { path: to!.file, format, runs, ranked, textColumn: column, place, warn })
}

/** Predicts what rank 0, which reads and writes, hands to the other ranks. */
async function followRankZero(runs: TrainedRun[], options: Scored): Promise<Predicted> {
  const predictor = await openPredictor(runs, options)
  try {
    await predictor.follow()
    return { rows: 0, errors: 0, storage: predictor.storage }
  } finally {
    await predictor.close()
  }
}

type Work = Omit<Scored, 'input'> & { input: Input; writer: RowWriter }

async function predictAll(
  runs: TrainedRun[],
  predictor: Predictor,
  { input, writer, ...options }: Work,
): Promise<Omit<Predicted, 'storage'>> {
  const ranked = options.scoring === 'rank'
  const counts = { rows: 0, errors: 0 }
  const items = options.batchSize ?? Math.min(...runs.map((run) => run.experiment.training.evaluation_batch_size))
  const limits = { items, mostItems: MOST_BATCHES * items, size: CHARACTERS, wait: WAIT }
  // without a file, rows are written to the same terminal
  const drawsProgress = options.output !== undefined || !process.stdout.isTTY
  if (drawsProgress) options.progress.phase('Predicting')
  else options.progress.end()
  for await (const rows of windows(input.rows, sizeOf, limits)) {
    const header = counts.rows === 0 && input.layout === 'table' && rows.find((row) => 'values' in row)
    if (header) checkHeader(runs, ranked, input.place(header.line), header.values)
    const outcomes = await outcomesOf(runs, predictor, rows, ranked)
    for (const outcome of outcomes) if ('problem' in outcome) tell(outcome, counts, input, options.progress)
    counts.rows += outcomes.length
    await writer.write(rows, outcomes)
    if (drawsProgress) options.progress.update(`${counts.rows.toLocaleString('en')} rows`)
  }
  if (counts.rows === 0) options.progress.warn('There were no rows.')
  for (const line of predictor.cutLines()) options.progress.warn(line)
  return counts
}

/** Returns the rows' outcomes in their order; those that can be used go through each run together. */
async function outcomesOf(
  runs: TrainedRun[],
  predictor: Predictor,
  rows: InputRow[],
  ranked: boolean,
): Promise<Outcome[]> {
  const asked = await checked(
    rows.map((row) => questionsOf(runs, row, ranked)),
    predictor,
  )
  const questions = asked.filter((question): question is Question[] => !('problem' in question))
  const answers: Answer[][] = []
  for (const place of runs.keys())
    answers.push(questions.length === 0 ? [] : await predictor.answer(place, questionsTo(place, questions)))
  let answered = 0
  return rows.map(({ line }, i) => {
    const question = asked[i]!
    if ('problem' in question) return { line, problem: question.problem }
    const place = answered++
    return { line, predictions: answers.map((answer) => answer[place]!) }
  })
}

/** The question of each row for one of the runs. */
const questionsTo = (run: number, questions: Question[][]) => questions.map((question) => question[run]!)

type Asked = Question[] | { problem: string }

/** Returns the rows' questions; a question that a run cannot answer is replaced by the reason. */
async function checked(asked: Asked[], predictor: Predictor): Promise<Asked[]> {
  const questions = asked.filter((question): question is Question[] => !('problem' in question))
  const problems = new Map<Asked, string>()
  for (const run of questions[0]?.keys() ?? [])
    for (const [i, problem] of (await predictor.problems(run, questionsTo(run, questions))).entries())
      if (problem !== undefined) problems.set(questions[i]!, problem)
  return asked.map((question) => (problems.has(question) ? { problem: problems.get(question)! } : question))
}

function tell(
  { line, problem }: { line: number; problem: string },
  counts: { errors: number },
  input: Input,
  progress: Progress,
): void {
  counts.errors++
  if (counts.errors <= PROBLEMS_TOLD) progress.warn(`${input.place(line)}: ${problem}`)
  if (counts.errors === PROBLEMS_TOLD + 1) progress.warn('Further rows that cannot be predicted are only counted.')
}

const sizeOf = (row: InputRow): number => {
  if ('text' in row) return row.text.length
  if ('problem' in row) return row.problem.length
  return Object.values(row.values).reduce<number>((sum, value) => sum + String(value).length, 0)
}

/** Returns the scoring of all runs. @throws UserError where runs have different ones */
function scoringOf([first, ...others]: TrainedRun[], asked?: Scoring): Scoring {
  const scoring = scoringInForce(first!, asked)
  const other = others.find((run) => scoringInForce(run, asked) !== scoring)
  if (!other) return scoring
  const encoders = [first!, other].filter(({ experiment }) => isEncoded(experiment.task)).length
  if (encoders === 2) throw answersOtherwise(first!, other)
  if (encoders === 1) throw onOtherBackbone(first!, other)
  throw new UserError({
    at: other.folder,
    problem: `has training.scoring ${scoringInForce(other, asked)}, but ${first!.folder} has ${scoring}.`,
    remedy: `Give --scoring for both.`,
  })
}

/** The heads of an encoder answer in ways of their own, whatever --scoring says. */
function answersOtherwise(first: TrainedRun, other: TrainedRun): UserError {
  const kind = ({ experiment }: TrainedRun) => experiment.task.kind
  const problem =
    `has a task of kind ${kind(other)}, but that of ${first.folder} is of kind ${kind(first)}: ` +
    'a head that puts out numbers does not predict together with one that chooses.'
  return new UserError({ at: other.folder, problem, remedy: 'Call the command once for each of the two.' })
}

function openRuns(folders: string[], sets: readonly string[], texts: string[]): TrainedRun[] {
  const twice = folders.find((folder, i) => folders.indexOf(folder) !== i)
  if (twice !== undefined) throw new UserError({ at: twice, problem: 'is named twice.', remedy: 'Name each run once.' })
  const run = texts.find((text) => hasCard(text) || existsSync(runFiles(text).experiment))
  if (run === undefined) return folders.map((folder) => openTrainedRun(folder, sets))
  throw new UserError({
    at: run,
    problem: 'is a run, where a text is expected: only the first argument is a run.',
    remedy: `Name further runs with --run ${run}.`,
  })
}
