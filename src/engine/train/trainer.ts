import type { Progress } from '../../base/progress.js'
import { Agreed, Interrupted } from '../../cli/interrupt.js'
import type { Experiment } from '../../experiment/schema.js'
import type { RunFiles } from '../../run/directory.js'
import type { RunState } from '../../run/state.js'
import { padBatch, type TrainingPlan } from '../../task/tokens/batches.js'
import type { Ladder } from '../../task/tokens/lengths.js'
import { decided, deciding, type Evaluated, type Evaluation, evaluateSplit } from '../evaluate/evaluate.js'
import type { LossDecoder } from '../model/decoder.js'
import type { Blueprint } from '../model/model.js'
import type { Stepper } from '../model/stepper.js'
import { learningRate } from '../optimizer/learning_rate.js'
import type { PreparedSplit } from '../prepare/data.js'
import { Pace } from './pace.js'
import type { RunRecord } from './record.js'
import { type LossBatches, meanLoss, splitLoss } from './validation_loss.js'

/** Everything that training needs, prepared. */
export interface Training {
  experiment: Experiment
  files: RunFiles
  record: RunRecord
  blueprint: Blueprint
  train: PreparedSplit
  validation: PreparedSplit
  /** The batches of the validation rows. */
  lossBatches: LossBatches
  plan: TrainingPlan
  /** The lengths to pad to; without it, the next multiple of 8. */
  ladder: Ladder | undefined
  /** Optimiser steps of the whole run. */
  steps: number
  evaluation: Evaluation
  progress: Progress
  interrupted: () => boolean
}

/** What a training has come to besides its files. */
export interface Trained {
  pace: Pace
  /** The answers of the best evaluation; undefined where it was before the run was resumed. */
  best: Evaluated | undefined
}

/**
 * Trains from the stepper's state to the last step, or until `patience` is used up: evaluates on validation when due,
 * keeps the best tensors, saves checkpoints.
 * @throws Interrupted when asked to stop, after the checkpoint is saved; UserError when the loss is not a number.
 */
export async function runTraining(training: Training, stepper: Stepper, run: RunState): Promise<Trained> {
  const { experiment, record, steps, plan, progress, interrupted } = training
  const { checkpoint_every: checkpointEvery, evaluate_every: evaluateEvery = plan.stepsPerEpoch } = experiment.training
  const before = run.seconds
  const started = performance.now()
  const pace = new Pace()
  let best: Evaluated | undefined
  const save = async () => {
    run.seconds = before + (performance.now() - started) / 1000
    await record.checkpoint(await stepper.state(), run)
  }
  try {
    for (;;) {
      const step = stepper.count
      const due = step === steps || (step > 0 && step % evaluateEvery === 0)
      if (due && run.evaluatedStep !== step) {
        const better = await evaluateStep(training, stepper, run)
        await save()
        if (better) {
          await record.best(await stepper.state()) // second: the checkpoint has them too
          best = better
        }
        pace.pause()
      } else if (step % checkpointEvery === 0) await save()
      if (step === steps) return { pace, best }
      if (isEnough(training, run)) {
        progress.note(endsEarly(experiment.training, run.best!))
        return { pace, best }
      }
      if (interrupted()) throw new Interrupted()
      await takeStep(training, stepper, pace)
    }
  } catch (error) {
    if (error instanceof Interrupted || error instanceof NotANumber) await save()
    throw error
  }
}

/** Whether the last `patience` evaluations have brought no better score. */
const isEnough = ({ experiment: { training } }: Training, { sinceBest = 0 }: RunState): boolean =>
  training.patience !== undefined && sinceBest >= training.patience

const endsEarly = ({ patience, best_metric }: Experiment['training'], best: NonNullable<RunState['best']>) =>
  `Training ends here: ${patience} ${patience === 1 ? 'evaluation' : 'evaluations in a row'} brought nothing ` +
  `better than the ${decided(best, best_metric)} of step ${best.step} (training.patience).`

async function takeStep(training: Training, stepper: Stepper, pace: Pace): Promise<void> {
  const { experiment, record, blueprint, train, plan, ladder, steps, progress } = training
  const { learning_rate: peak, warmup_steps: warmup, schedule: name } = experiment.training
  const step = stepper.count
  const rows = plan.batch(step)
  const rate = learningRate(step, { name, peak, warmup, steps })
  const batch = padBatch(train.tokens, rows, blueprint.config.padId, ladder)
  const { taken, result } = await stepper.step(batch, rate)
  if (!taken) throw await notANumber(training, step + 1, rows, result)
  const { loss, gradientNorm } = result
  const figures = { loss, learning_rate: rate, gradient_norm: gradientNorm }
  record.metrics({ step: step + 1, ...figures })
  pace.step(rows.length)
  progress.update(pace.line(step + 1, steps, loss))
  await new Promise(setImmediate) // lets signals in
}

/** Records the validation scores of the state; returns its answers if they are the best so far. */
async function evaluateStep(training: Training, stepper: Stepper, run: RunState): Promise<Evaluated | undefined> {
  const { record, evaluation, progress, steps } = training
  const state = await stepper.state()
  const { evaluated, loss } = await validated(training, await stepper.decoder())
  const { scores } = evaluated
  record.metrics({ step: state.step, split: 'validation', loss, ...scores })
  const score = deciding({ ...scores, loss }, evaluation.experiment.training.best_metric)
  const better = !run.best || score > run.best.score
  if (better) run.best = { step: state.step, score, validation: scores, loss }
  run.evaluatedStep = state.step
  run.sinceBest = better ? 0 : (run.sinceBest ?? 0) + 1
  const figures = Object.entries(scores).map(([metric, value]) => `${metric} ${value.toFixed(2)}`)
  figures.push(`loss ${loss.toFixed(3)}`)
  progress.note(`step ${state.step} of ${steps}: validation ${figures.join(', ')}${better ? ', the best so far' : ''}`)
  return better ? evaluated : undefined
}

/** Returns answers and loss of the validation rows; the decoder is closed at the end. */
async function validated({ validation, lossBatches, evaluation }: Training, decoder: LossDecoder) {
  try {
    const evaluated = await evaluateSplit(decoder, validation, evaluation)
    const known = meanLoss(evaluated.predictions)
    const loss = known ?? (await splitLoss(decoder, validation, lossBatches, evaluation))
    if (!Number.isFinite(loss)) throw lossNotANumber(validation, loss)
    return { evaluated, loss }
  } finally {
    await decoder.dispose()
  }
}

/** The validation loss is not a number, though the loss of the step was. Every rank finds this out at once. */
const lossNotANumber = ({ file, rows }: PreparedSplit, loss: number) =>
  new NotANumber({
    at: file,
    problem: `the loss of its ${rows} validation rows is ${loss}: the model's numbers overflow on some of them.`,
    remedy: 'Look at the rows; if every row does so, lower training.learning_rate.',
  })

/** Loss or gradient is not a number; the state before that step is good and is saved. */
class NotANumber extends Agreed {}

async function notANumber(
  { files, train, experiment }: Training,
  step: number,
  rows: number[],
  { loss, gradientNorm }: { loss: number; gradientNorm: number },
): Promise<NotANumber> {
  const { task, training } = experiment
  const lines = (await train.examplesAt(rows)).map(({ row }) => row)
  return new NotANumber({
    at: files.folder,
    problem:
      `at step ${step} the loss is ${loss} and the gradient norm ${gradientNorm}; the rows are lines ` +
      `${lines.join(', ')} of ${task.train ?? `${task.benchmark ?? task.dataset}'s training rows`}.`,
    remedy:
      `The state after step ${step - 1} is in ${files.checkpoint}. Lower training.learning_rate ` +
      `(${training.learning_rate}) or look at those rows.`,
  })
}
