import { SPLITS } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { readTargets } from '../../task/labels/targets.js'
import { isRankable } from '../../task/metrics/scoring.js'
import { sameRows } from '../../task/rows/same_rows.js'
import { heldOutInForce, heldOutNote } from '../../task/rows/split_rows.js'
import { tooFewToGroup, trainingPlan } from '../../task/tokens/batches.js'
import { unseenInTraining } from '../evaluate/unseen_labels.js'
import { warmupInForce } from '../optimizer/learning_rate.js'
import { type PreparedData, type PreparedSplit, prepareData } from '../prepare/data.js'
import { classesOf, withLabels } from '../prepare/head.js'
import { backboneFor, type OpenedBackbone, prepareBackbone } from '../prepare/prepare.js'
import { taskReadBy } from '../prepare/reading.js'
import { evaluationRows } from './evaluation_rows.js'
import { plannedSteps } from './longer.js'
import type { Checks } from './resume.js'
import type { Training } from './trainer.js'

/** Backbone and data of a training run, read and checked. */
export interface Prepared extends Pick<Training, 'experiment' | 'train' | 'validation' | 'plan' | 'steps'> {
  backbone: OpenedBackbone
  data: PreparedData
  test: PreparedSplit
  /** For a classification, in the form in which they are compared with outputs. */
  labels: string[]
}

/**
 * Reads and checks backbone and data, and returns them with the experiment and every value in force. `checks` are
 * called for each before it is read.
 */
export async function prepare(given: Experiment, progress: Progress, checks?: Checks): Promise<Prepared> {
  const opened = await prepareBackbone(given, progress)
  checks?.backbone(opened.files)
  const labelled = await withLabels(given.task, opened.config, progress)
  const experiment = { ...given, task: taskReadBy(opened.config, labelled) }
  const backbone = backboneFor(opened.files, opened.tokenizer, experiment)
  const data = prepareData(experiment, backbone, progress, checks?.rows)
  const train = await data.split('train')
  const whole = await data.split('validation')
  const validation = evaluationRows(whole, experiment.training.evaluation_rows, progress)
  const test = await data.split('test')
  const heldOut = heldOutNote(experiment.task, { validation: whole.rows, test: test.rows })
  if (heldOut) progress.note(heldOut)
  const { training } = experiment
  const headed = backbone.tokenizer.verbatim
  if (headed) checkSmoothing(experiment)
  const { labels, longest } = headed
    ? { labels: classesOf(experiment.task), longest: 0 }
    : await readTargets(experiment.task, SPLITS, {
        tokenizer: backbone.tokenizer,
        scoring: training.scoring,
        targetLength: training.target_length,
        ...(isRankable(experiment.task) && { ranking: 'training.scoring: rank' }),
        note: (text) => progress.note(text),
      })
  for (const warning of sameRows(experiment.task, { train, validation: whole, test })) progress.warn(warning)
  if (experiment.task.kind === 'classification')
    for (const split of [whole, test]) {
      const unseen = unseenInTraining(split, train)
      if (unseen) progress.warn(unseen)
    }
  const plan = trainingPlan(train.lengths, rowsAStep(training), training.seed, training.group_by_length)
  if (training.group_by_length && plan.order === 'random') progress.note(tooFewToGroup(plan))
  const steps = plannedSteps(training, plan.stepsPerEpoch)
  const warmup_steps = warmupInForce(training.warmup_steps, steps)
  if (warmup_steps < training.warmup_steps)
    progress.note(
      `Warm-up shortened from ${training.warmup_steps} steps, more than the run's ${steps}, ` +
        `to ${warmup_steps}, half of it.`,
    )
  const inForce = {
    ...training,
    warmup_steps,
    evaluate_every: training.evaluate_every ?? plan.stepsPerEpoch,
    ...(!headed && { target_length: training.target_length ?? Math.max(train.longestTarget, longest) }),
    dropout: training.dropout ?? backbone.config.dropout,
  }
  const task = { ...experiment.task, ...heldOutInForce(experiment.task, whole.rows) }
  const prepared = { backbone, data, train, validation, test, labels, plan, steps }
  return { experiment: { ...experiment, task, training: inForce }, ...prepared }
}

/** @throws UserError for smoothing over the choices of a row, of which other rows have more. */
function checkSmoothing({ task, training }: Experiment): void {
  if (task.kind !== 'multiple_choice' || training.label_smoothing === 0) return
  throw new UserError({
    at: 'training.label_smoothing',
    problem: `is ${training.label_smoothing}, which an encoder does not have for the choices of a row.`,
    remedy: 'Set it to 0.',
  })
}

/** Frees what `prepare` opened. */
export function closeAll({ data, backbone }: Prepared): void {
  data.close()
  backbone.files.close()
}
