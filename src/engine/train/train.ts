import { existsSync, rmSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import { type Holder, heldBy, withLock } from '../../base/lock/lock.js'
import type { Progress } from '../../base/progress.js'
import { experimentYaml } from '../../experiment/load/load.js'
import { storedPlaces } from '../../experiment/places.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import {
  beginRun,
  newRun,
  openRun,
  type Result,
  type RunFiles,
  removeHalfWritten,
  runFiles,
} from '../../run/directory.js'
import { keepOnly } from '../../run/keep.js'
import { truncateMetrics } from '../../run/log/metrics_log.js'
import { notedBackbone } from '../../run/made_with.js'
import type { ChosenBatch } from '../../run/manifest.js'
import { manifestOf } from '../../run/manifest.js'
import { readTargets } from '../../task/labels/targets.js'
import { isRankable } from '../../task/metrics/scoring.js'
import { SPLITS } from '../../task/rows/rows.js'
import { sameRows } from '../../task/rows/same_rows.js'
import { heldOutInForce, heldOutNote } from '../../task/rows/split_rows.js'
import { tooFewToGroup, trainingPlan } from '../../task/tokens/batches.js'
import { paddingLine } from '../../task/tokens/lengths.js'
import { fromRankZero, rankZeroFirst } from '../cluster/agree.js'
import { alone, type Ranks } from '../cluster/ranks.js'
import { ranksStepper } from '../cluster/stepper.js'
import { checkTogether, stateOfRankZero } from '../cluster/together.js'
import { type DeviceOptions, startDevice } from '../device/device.js'
import { memoryTaken } from '../device/memory.js'
import { chanceOf } from '../evaluate/chance.js'
import { unseenInTraining } from '../evaluate/unseen_labels.js'
import { sessionFacts } from '../graph/config.js'
import { blueprintOf, disposeModel } from '../model/model.js'
import { chooseMode, startStepper } from '../model/stepper.js'
import { warmupInForce } from '../optimizer/learning_rate.js'
import { chooseBatchSize } from '../prepare/choose_batch_size.js'
import { type PreparedData, type PreparedSplit, prepareData } from '../prepare/data.js'
import { type OpenedBackbone, prepareBackbone, prepareModel, preparePadding } from '../prepare/prepare.js'
import { evaluationRows } from './evaluation_rows.js'
import { noteLonger, plannedSteps } from './longer.js'
import { noRecord, recordInto } from './record.js'
import {
  asBegun,
  type Checks,
  keepWhatChanged,
  NOTHING,
  type Resumed,
  resumedRun,
  type There,
  whatIsThere,
  withChanges,
} from './resume.js'
import { countsOf, crewOf, drawnRows, hashesOf } from './run_facts.js'
import { settingsLine } from './settings_line.js'
import { startFrom } from './start_from.js'
import { startOrResume } from './start_or_resume.js'
import { testBest } from './test_best.js'
import { runTraining, type Training } from './trainer.js'
import { lossBatches } from './validation_loss.js'

export interface TrainOptions extends DeviceOptions {
  /** Where the run goes. */
  folder: string
  /** Continue the run that is there. */
  resume: boolean
  /** Continue it on another backbone or other rows than those that it was made with. */
  allowChanged?: boolean | undefined
  progress: Progress
  /** Asked after every step and every batch of an evaluation. */
  interrupted: () => boolean
  /** The processes that share the training; this one by itself where there are none. */
  ranks?: Ranks
}

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
 * Trains an experiment into a run directory and reports it: validation and test scores of the best checkpoint. Where ranks
 * share the training, rank 0 alone opens the directory and writes into it.
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

type RankedOptions = TrainOptions & { ranks: Ranks }

async function trainInto(files: RunFiles, experiment: Experiment, options: RankedOptions): Promise<Result> {
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
    if (!finished) return await trainPrepared(files, { ...prepared, length, sized }, resumed, options)
    progress.note('The run is finished already.')
    if (ranks.rank === 0) keepOnly(experiment.training, files, progress)
    progress.end()
    return finished
  } finally {
    closeAll(prepared)
  }
}

async function trainPrepared(
  files: RunFiles,
  prepared: Prepared & Pick<There, 'length'> & { sized: ChosenBatch | undefined },
  resumed: Resumed | undefined,
  options: RankedOptions,
): Promise<Result> {
  const { progress, interrupted, ranks, resume } = options
  const { experiment, backbone, plan, length, sized = resumed?.manifest?.batch_size_auto } = prepared
  const leads = ranks.rank === 0
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  progress.note(device.description)
  const { mode, why } = chooseMode(experiment, device, prepared.steps)
  progress.note(`Steps: ${mode} (${why}).`)
  progress.note(settingsLine(experiment))
  const { ladder, padding } = preparePadding(prepared, mode)
  progress.note(paddingLine(padding))
  const splits = [prepared.train, prepared.validation, prepared.test]
  await checkTogether(ranks, { experiment, backbone, splits, device, mode })
  const blueprint = blueprintOf(backbone.config, experiment.method)
  const begins = leads && !existsSync(files.checkpoint)
  const start = begins ? startFrom(experiment, blueprint, backbone.files) : undefined
  if (leads && !resume) beginRun(files, experimentYaml(storedPlaces(experiment, files.folder)))
  const { state, run } = await stateOfRankZero(ranks, () => startOrResume(files, blueprint, prepared, progress, start))
  if (leads) truncateMetrics(files.metrics, state.step, progress.warn)
  const record = leads ? recordInto(files, blueprint, experiment.training.tensorboard) : noRecord
  const counts = countsOf(blueprint, backbone)
  const started = start?.from ?? resumed?.manifest?.start
  const facts = {
    ...counts,
    ...notedBackbone(backbone.files),
    ...{ engine_mode: mode, graphs: [], row_order: plan.order, padding },
    ...(sized && { batch_size_auto: sized }),
    session: mode === 'replay' ? sessionFacts(device.threads) : null,
    ...(started && { start: started }),
    ...drawnRows(prepared.validation),
    ...(ranks.library !== undefined && { mpi: await crewOf(ranks, device.threads) }),
  }
  if (length) noteLonger(length, experiment.training.schedule, state.step, progress)
  if (leads && resume) rmSync(files.result, { force: true }) // a run that goes on is not finished, nor is a longer one
  record.manifest(withChanges(manifestOf(experiment, device, facts, hashesOf(prepared)), state.step, resumed, length))
  if (leads && resume) keepWhatChanged(files, experiment)
  progress.phase(state.step > 0 ? `Training, resumed after step ${state.step}` : 'Training')
  const model = mode === 'eager' ? prepareModel(experiment, backbone, progress) : undefined
  const session = { ...backbone.files, threads: device.threads, onGraph: record.graph }
  const local = await startStepper(model, blueprint, experiment, state, session)
  const together = ranks.size > 1 ? ranksStepper(local, ranks, interrupted) : undefined
  const stepper = together ?? local
  const { tokenizer } = backbone
  const evaluation = { experiment, tokenizer, labels: prepared.labels, progress, interrupted, ranks }
  const stopped = together?.stopped ?? interrupted
  try {
    const validationLoss = lossBatches(prepared.validation, experiment.training, { mode, steps: prepared.steps })
    const training = {
      ...prepared,
      lossBatches: validationLoss,
      ladder,
      files,
      record,
      blueprint,
      evaluation,
      progress,
      interrupted: stopped,
    }
    const pace = await runTraining(training, stepper, run)
    if (experiment.training.keep === 'all') await record.last(await stepper.state())
    const best = run.best!
    const { read } = backbone.files
    const tested = await testBest(stepper, blueprint, prepared.test, { files, step: best.step, read, evaluation })
    const chance = await chanceOf(prepared, evaluation)
    const result = {
      validation: best.validation,
      ...(best.loss !== undefined && { validation_loss: best.loss }),
      ...tested,
      ...(chance && { chance }),
      best_step: best.step,
      steps: stepper.count,
      ...(stepper.count < prepared.steps && { planned_steps: prepared.steps }),
      seconds: Math.round(run.seconds * 10) / 10,
      ...(pace.median && { step_seconds: pace.median }),
      ...memoryTaken(),
      ...counts,
      share_percent: (100 * counts.trained_parameters) / counts.backbone_parameters,
    }
    record.result(result)
    if (leads) keepOnly(experiment.training, files, progress)
    progress.end()
    return result
  } finally {
    stepper.free()
    if (model) disposeModel(model)
  }
}

interface Prepared extends Pick<Training, 'experiment' | 'train' | 'validation' | 'plan' | 'steps'> {
  backbone: OpenedBackbone
  data: PreparedData
  test: PreparedSplit
  /** Of a classification, as they are compared with outputs. */
  labels: string[]
}

/**
 * Backbone and data, read and checked, and the experiment with every value that is in force. `checks` are told of each
 * before it is read.
 */
export async function prepare(experiment: Experiment, progress: Progress, checks?: Checks): Promise<Prepared> {
  const backbone = await prepareBackbone(experiment, progress)
  checks?.backbone(backbone.files)
  const data = prepareData(experiment, backbone, progress, checks?.rows)
  const train = await data.split('train')
  const whole = await data.split('validation')
  const validation = evaluationRows(whole, experiment.training.evaluation_rows, progress)
  const test = await data.split('test')
  const heldOut = heldOutNote(experiment.task, { validation: whole.rows, test: test.rows })
  if (heldOut) progress.note(heldOut)
  const { training } = experiment
  const { labels, longest } = await readTargets(experiment.task, SPLITS, {
    tokenizer: backbone.tokenizer,
    scoring: training.scoring,
    targetLength: training.target_length,
    ...(isRankable(experiment.task) && { ranking: 'training.scoring: rank' }),
    note: (text) => progress.note(text),
  })
  for (const warning of sameRows(experiment.task, { train, validation: whole, test })) progress.warn(warning)
  if (experiment.task.kind === 'classification')
    for (const split of [whole, test]) {
      const unseen = unseenInTraining(split, train, backbone.tokenizer)
      if (unseen) progress.warn(unseen)
    }
  const plan = trainingPlan(train.lengths, rowsAStep(training), training.seed, training.group_by_length)
  if (training.group_by_length && plan.order === 'random') progress.note(tooFewToGroup(plan))
  const steps = plannedSteps(training, plan.stepsPerEpoch)
  const warmup_steps = warmupInForce(training.warmup_steps, steps)
  if (warmup_steps < training.warmup_steps)
    progress.note(
      `Warm-up shortened from ${training.warmup_steps} steps, more than the run's ${steps}, to ${warmup_steps}, half of it.`,
    )
  const inForce = {
    ...training,
    warmup_steps,
    evaluate_every: training.evaluate_every ?? plan.stepsPerEpoch,
    target_length: training.target_length ?? Math.max(train.longestTarget, longest),
    dropout: training.dropout ?? backbone.config.dropout,
  }
  const task = { ...experiment.task, ...heldOutInForce(experiment.task, whole.rows) }
  const prepared = { backbone, data, train, validation, test, labels, plan, steps }
  return { experiment: { ...experiment, task, training: inForce }, ...prepared }
}

/** Frees what `prepare` opened. */
export function closeAll({ data, backbone }: Prepared): void {
  data.close()
  backbone.files.close()
}
