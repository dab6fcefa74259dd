import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { assertNever } from '../../base/assert_never.js'
import type { Scoring } from '../../base/choices.js'
import type { Progress } from '../../base/progress.js'
import { type Experiment, MEAN } from '../../experiment/schema.js'
import type { Scores } from '../../run/directory.js'
import type { RunState } from '../../run/state.js'
import type { Example } from '../../task/example.js'
import { written } from '../../task/labels/written_form.js'
import { toNumber } from '../../task/metrics/correlation.js'
import { LOSS, lowerIsBetter, lowerScoreIsBetter, scoreMetrics, taskScore } from '../../task/metrics/direction.js'
import { scoreTags } from '../../task/metrics/entities.js'
import { type Classes, scoreExamples } from '../../task/metrics/metrics.js'
import { tagsIn } from '../../task/words/tagged.js'
import type { Ranks } from '../cluster/ranks.js'
import { type Decoder, type Prediction, type PredictOptions, predict, predicted } from '../model/decoder.js'
import type { PreparedSplit } from '../prepare/data.js'

export interface Evaluation {
  experiment: Experiment
  tokenizer: Tokenizer
  /**
   * Every label of the task, whether the split's rows have it or not, in the form in which it is compared with outputs;
   * empty if the task is not a classification.
   */
  labels: string[]
  /** The labels that an encoder's head has rows for, in their order. */
  classes?: readonly string[]
  progress: Progress
  /** Called between batches; true ends the evaluation with `Interrupted`. */
  interrupted?: () => boolean
  /** The ranks that share the rows. */
  ranks?: Ranks | undefined
  /** Beams of a search; 1 or undefined for greedy decoding. */
  beams?: number | undefined
}

/** A split's scores, and the rows that they are based on. */
export interface Evaluated {
  scores: Scores
  examples: Example[]
  predictions: Prediction[]
  /** The number of outputs that are not one of the labels or choices, or not a number. */
  invalid: number
  /** Set for a classification. */
  classes?: Classes | undefined
}

/**
 * Predicts a split and scores it: by greedy decoding, or by ranking the labels (multiple choice: the row's own
 * choices), so that no output is invalid.
 */
export async function evaluateSplit(
  decoder: Decoder,
  split: PreparedSplit,
  evaluation: Evaluation,
  scoring: Scoring = evaluation.experiment.training.scoring,
): Promise<Evaluated> {
  const { experiment, labels, progress } = evaluation
  const { task } = experiment
  const examples = await split.examples()
  const predictions = await predict(decoder, split, optionsFor(split, examples, evaluation, scoring))
  const texts = predictions.map(({ text }) => text)
  const invalid = noteInvalid(
    invalidOutputs(task.kind, texts, examples, labels),
    texts.length,
    task.kind,
    split,
    progress,
  )
  const classes = await comparedClasses(examples, evaluation, progress)
  return { scores: scoresWith(classes, texts, examples, task), examples, predictions, invalid, classes }
}

/** Returns a task's scores of outputs for examples, in the examples' order. */
export async function scoresOf(
  texts: string[],
  examples: Example[],
  evaluation: Evaluation,
  progress: Progress,
): Promise<Scores> {
  const classes = await comparedClasses(examples, evaluation, progress)
  return scoresWith(classes, texts, examples, evaluation.experiment.task)
}

function scoresWith(
  classes: Classes | undefined,
  texts: string[],
  examples: Example[],
  task: Experiment['task'],
): Scores {
  if (task.kind !== 'token_classification') return scoreExamples(task.metrics, texts, examples, classes)
  const targets = examples.map(({ target }) => tagsIn(target))
  return scoreTags(task.metrics, texts.map(tagsIn), targets)
}

/** Returns the labels of a classification, and the one that F1 is for, in the form of the tokenizer's texts. */
async function comparedClasses(
  examples: Example[],
  { experiment: { task }, tokenizer, labels }: Evaluation,
  progress: Progress,
): Promise<Classes | undefined> {
  if (task.kind !== 'classification') return undefined
  const [positive] = await written([positiveTarget(task, examples, progress)], tokenizer)
  return { labels, positive: positive!.form }
}

const optionsFor = (
  split: PreparedSplit,
  examples: Example[],
  { experiment: { task, training }, tokenizer, labels, classes, progress, interrupted, ranks, beams }: Evaluation,
  scoring: Scoring,
): PredictOptions => ({
  tokenizer,
  batchSize: training.evaluation_batch_size,
  maxLength: training.target_length ?? split.longestTarget,
  name: split.name,
  place: (row) => `${split.file}:${examples[row]!.row}`,
  progress,
  interrupted,
  ranks,
  beams,
  losses: true,
  ...((scoring === 'rank' || split.tokens.objective.answers) && candidates(task, examples, classes ?? labels)),
})

/** What outputs are chosen from: the labels, or each row's choices; nothing for a number. */
function candidates(
  { kind }: Experiment['task'],
  examples: Example[],
  labels: readonly string[],
): Pick<PredictOptions, 'candidates'> {
  if (kind === 'regression') return {}
  return { candidates: kind === 'multiple_choice' ? examples.map(({ choices }) => choices!) : [...labels] }
}

/** Yields a split's outputs as `training.scoring` finds them, batch by batch, each with the index of its row. */
export async function* outputsOf(decoder: Decoder, split: PreparedSplit, evaluation: Evaluation) {
  const { scoring } = evaluation.experiment.training
  yield* predicted(decoder, split, optionsFor(split, await split.examples(), evaluation, scoring))
}

/** As `evaluateSplit`, with the scoring of `training.scoring`; the decoder is closed at the end. */
export async function evaluateWith(decoder: Decoder, split: PreparedSplit, evaluation: Evaluation): Promise<Evaluated> {
  try {
    return await evaluateSplit(decoder, split, evaluation)
  } finally {
    await decoder.dispose()
  }
}

/** Returns the target text of the label that F1 is for. */
function positiveTarget(
  { metrics, labels, positive }: Extract<Experiment['task'], { kind: 'classification' }>,
  examples: Example[],
  progress: Progress,
): string {
  const wanted = metrics.some((metric) => metric === 'f1' || metric === 'f1a')
  if (wanted && examples.every(({ label }) => label !== positive))
    progress.warn(
      `No row has the label '${positive}' that F1 is for: set task.positive to the value that it should be for.`,
    )
  return labels?.[positive] ?? positive
}

const candidatesOf = (kind: Experiment['task']['kind']) =>
  kind === 'multiple_choice' ? "their row's choices" : 'the labels'

/**
 * Warns of outputs that are not one of the labels or choices, which count as wrong, and of those that are not numbers,
 * which count as −1.
 */
function noteInvalid(
  invalid: string[],
  outputs: number,
  kind: Experiment['task']['kind'],
  { name }: PreparedSplit,
  progress: Progress,
): number {
  if (invalid.length === 0) return 0
  const [what, counted] = kind === 'regression' ? ['numbers', '−1'] : [`one of ${candidatesOf(kind)}`, 'wrong']
  progress.note(
    `${name}: ${invalid.length} of ${outputs} outputs, such as ${JSON.stringify(invalid[0])}, are not ${what} ` +
      `and count as ${counted}.`,
  )
  return invalid.length
}

/**
 * Suggests ranking: a method that has learnt little so far, or a small backbone, seldom outputs a label, though it may
 * rank them well.
 */
export function hintAtRanking(
  kind: Experiment['task']['kind'],
  { invalid, examples }: Evaluated,
  command: string,
  progress: Progress,
): void {
  if (2 * invalid < examples.length || (kind !== 'classification' && kind !== 'multiple_choice')) return
  const what = kind === 'classification' ? 'label' : 'choice'
  progress.warn(
    `Most outputs are not one of ${candidatesOf(kind)} and count as wrong. \`${command}\` takes the likeliest ` +
      `${what}, whatever would be put out; \`--set training.scoring=rank\` trains so.`,
  )
}

function invalidOutputs(
  kind: Experiment['task']['kind'],
  outputs: string[],
  examples: Example[],
  labels: string[],
): string[] {
  switch (kind) {
    case 'classification': {
      const known = new Set(labels)
      return outputs.filter((output) => !known.has(output.trim()))
    }
    case 'regression':
      return outputs.filter((output) => toNumber(output) === undefined)
    case 'multiple_choice':
      return outputs.filter((output, i) => !examples[i]!.choices!.includes(output.trim()))
    case 'text':
    case 'token_classification':
      return []
    default:
      return assertNever(kind, 'kind of task')
  }
}

/**
 * Returns the score that chooses the best checkpoint, higher being better: one of a task's metrics, the loss, or the
 * task's score.
 */
export function deciding(scores: Scores, metric: string): number {
  const value = metric === MEAN ? taskScore(scores) : scores[metric]!
  const lower = metric === MEAN ? lowerScoreIsBetter(Object.keys(scores)) : lowerIsBetter(metric)
  return lower ? -value : value
}

/**
 * Returns what chose the best checkpoint in words: `accuracy 81.20`, `mean of pearson and spearman 71.05`, `loss
 * 0.312`.
 */
export function decided({ score, validation }: NonNullable<RunState['best']>, metric: string): string {
  const metrics = scoreMetrics(Object.keys(validation))
  const lower = metric === MEAN ? lowerScoreIsBetter(metrics) : lowerIsBetter(metric)
  const mean = metrics.length === 1 ? metrics[0] : `mean of ${metrics.join(' and ')}`
  const value = (lower ? -score : score).toFixed(metric === LOSS ? 3 : 2)
  return `${metric === MEAN ? mean : metric} ${value}`
}
