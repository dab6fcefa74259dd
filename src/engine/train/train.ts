import { UserError } from '../../base/error.js'
import { type Holder, heldBy, withLock } from '../../base/lock/lock.js'
import type { Experiment } from '../../experiment/schema.js'
import { newRun, openRun, type Result, type RunFiles, removeHalfWritten, runFiles } from '../../run/directory.js'
import { keepOnly } from '../../run/keep.js'
import type { RunState } from '../../run/state.js'
import { fromRankZero, rankZeroFirst } from '../cluster/agree.js'
import { alone } from '../cluster/ranks.js'
import { ranksStepper } from '../cluster/stepper.js'
import { memoryTaken } from '../device/memory.js'
import { writeBestAnswers } from '../evaluate/best_answers.js'
import { chanceOf } from '../evaluate/chance.js'
import { disposeModel } from '../model/model.js'
import { type Stepper, startStepper } from '../model/stepper.js'
import { chooseBatchSize } from '../prepare/choose_batch_size.js'
import { prepareModel } from '../prepare/prepare.js'
import { type Begun, begin, type Computation, type Job, setUp, type TrainOptions } from './begin.js'
import { finishedAlready } from './longer.js'
import { closeAll, prepare } from './prepared.js'
import { asBegun, NOTHING, resumedRun, whatIsThere } from './resume.js'
import { countsOf } from './run_facts.js'
import { testBest } from './test_best.js'
import { runTraining, type Trained, type Training } from './trainer.js'
import { lossBatches } from './validation_loss.js'

/** Another process holds the run. */
export class RunBusy extends UserError {
  constructor(folder: string, holder: Holder) {
    super({
      at: folder,
      problem: `another process is training this run: ${heldBy(holder)}.`,
      remedy: 'Wait for it, or choose another folder with --run-dir.',
    })
  }
}

/**
 * Trains an experiment into a run directory and reports it: validation and test scores of the best checkpoint. If ranks
 * share the training, only rank 0 opens the directory and writes into it.
 * @throws Interrupted after saving, RunBusy, UserError for what the user can mend.
 */
export async function train(experiment: Experiment, options: TrainOptions): Promise<Result> {
  const { folder, resume, ranks = alone } = options
  const ranked = { ...options, ranks }
  if (ranks.rank > 0) return trainInto(runFiles(folder), experiment, ranked)
  const open = () => (resume ? openRun(folder) : newRun(folder))
  return withLock(`${open().folder}.lock`, () => trainInto(open(), experiment, ranked), {
    busy: (holder) => {
      throw new RunBusy(folder, holder)
    },
    say: options.progress.note,
  })
}

async function trainInto(files: RunFiles, experiment: Experiment, options: Job['options']): Promise<Result> {
  const { progress, resume, ranks } = options
  const leads = ranks.rank === 0
  if (leads) removeHalfWritten(files)
  const resumed = resume && leads ? resumedRun(files, experiment, options) : undefined
  const begun = resume ? await fromRankZero(ranks, () => asBegun(files, experiment)) : experiment
  const { method } = begun
  const { warmup_steps, batch_size } = begun.training
  const sized = batch_size === 'auto' ? await chooseBatchSize(experiment, options) : undefined
  const training = { ...experiment.training, warmup_steps, batch_size: sized?.rows ?? batch_size }
  const prepared = await rankZeroFirst(ranks, () => prepare({ ...experiment, method, training }, progress, resumed))
  try {
    const { finished, length } = await fromRankZero(ranks, () =>
      resume ? whatIsThere(files, prepared, experiment) : NOTHING,
    )
    if (!finished) return await trainPrepared({ files, prepared, length, sized, resumed, options })
    progress.note(finishedAlready(files))
    if (leads) keepOnly(experiment.training, files, progress)
    progress.end()
    return finished
  } finally {
    closeAll(prepared)
  }
}

async function trainPrepared(job: Job): Promise<Result> {
  const computation = await setUp(job)
  const begun = await begin(job, computation)
  const { stepper, interrupted, free } = await startSteps(job, computation, begun)
  try {
    const training = trainingOf(job, computation, begun, interrupted)
    const trained = await runTraining(training, stepper, begun.run)
    return await finish(job, training, stepper, { run: begun.run, trained })
  } finally {
    free()
  }
}

/** Starts what takes the steps, with all ranks together; `interrupted` then becomes true on all of them at once. */
async function startSteps(
  { prepared: { experiment, backbone }, options }: Job,
  { device, mode, blueprint }: Computation,
  { state, record }: Begun,
): Promise<{ stepper: Stepper; interrupted: () => boolean; free(): void }> {
  const { progress, ranks, interrupted } = options
  const model = mode === 'eager' ? prepareModel(experiment, backbone, progress) : undefined
  const session = { ...backbone.files, threads: device.threads, onGraph: record.graph }
  const local = await startStepper(model, blueprint, experiment, state, session)
  const together = ranks.size > 1 ? ranksStepper(local, ranks, interrupted) : undefined
  const stepper = together ?? local
  const free = () => {
    stepper.free()
    if (model) disposeModel(model)
  }
  return { stepper, interrupted: together?.stopped ?? interrupted, free }
}

function trainingOf(
  { files, prepared, options: { progress, interrupted, ranks } }: Job,
  { blueprint, ladder, mode }: Computation,
  { record }: Begun,
  stopped: () => boolean,
): Training {
  const { experiment, backbone, labels, train, validation, plan, steps } = prepared
  const { tokenizer } = backbone
  return {
    ...{ experiment, train, validation, plan, steps, files, record, blueprint, ladder, progress, interrupted: stopped },
    lossBatches: lossBatches(validation, experiment.training, { mode, steps }),
    evaluation: { experiment, tokenizer, labels, progress, interrupted, ranks },
  }
}

/** Tests the best checkpoint and writes the result. */
async function finish(
  { files, prepared, options }: Job,
  { experiment, record, blueprint, evaluation, progress }: Training,
  stepper: Stepper,
  { run, trained: { pace, best: validated } }: { run: RunState; trained: Trained },
): Promise<Result> {
  const { backbone, validation, test, steps } = prepared
  if (experiment.training.keep === 'all') await record.last(await stepper.state())
  const best = run.best!
  const { read } = backbone.files
  const testing = { files, step: best.step, read, evaluation, validation, validated }
  const { answered, ...tested } = await testBest(stepper, blueprint, test, testing)
  const chance = await chanceOf(prepared, evaluation)
  const counts = countsOf(blueprint, backbone)
  const result = {
    validation: best.validation,
    ...(best.loss !== undefined && { validation_loss: best.loss }),
    ...tested,
    ...(chance && { chance }),
    best_step: best.step,
    steps: stepper.count,
    ...(stepper.count < steps && { planned_steps: steps }),
    seconds: Math.round(run.seconds * 10) / 10,
    ...(pace.median && { step_seconds: pace.median }),
    ...memoryTaken(),
    ...counts,
    share_percent: (100 * counts.trained_parameters) / counts.backbone_parameters,
  }
  if (options.ranks.rank === 0) writeBestAnswers(files, prepared, answered) // before it: a finished run has them
  record.result(result)
  if (options.ranks.rank === 0) keepOnly(experiment.training, files, progress)
  progress.end()
  return result
}
