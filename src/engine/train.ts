import { existsSync } from 'node:fs'
import { UserError } from '../error.js'
import { experimentYaml } from '../experiment/load.js'
import { storedPlaces } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import { type Holder, heldBy, withLock } from '../lock.js'
import type { Progress } from '../progress.js'
import {
  beginRun,
  newRun,
  openRun,
  type Result,
  type RunFiles,
  removeHalfWritten,
  writeJson,
} from '../run/directory.js'
import { notedBackbone } from '../run/made_with.js'
import { type Manifest, manifestOf } from '../run/manifest.js'
import { truncateMetrics } from '../run/metrics_log.js'
import { readResult } from '../run/records.js'
import { checkOrder } from '../run/row_order.js'
import type { RunState } from '../run/state.js'
import { GROUPED_FROM, type TrainingPlan, trainingPlan } from '../task/batches.js'
import { paddingLine } from '../task/lengths.js'
import { SPLITS } from '../task/rows.js'
import { heldOutNote } from '../task/split_rows.js'
import { readTargets } from '../task/targets.js'
import { loadCheckpoint, restoreBest, saveTrained } from './checkpoint.js'
import type { WorkerLost } from './cluster/client.js'
import { workersStepper } from './cluster/stepper.js'
import { assembleTeam, type Team } from './cluster/team.js'
import { type PreparedData, type PreparedSplit, prepareData } from './data.js'
import { type DeviceOptions, startDevice } from './device.js'
import { warmupInForce } from './learning_rate.js'
import { memoryTaken } from './memory.js'
import { type Blueprint, blueprintOf, disposeModel, startVector } from './model.js'
import { startState } from './optimizer.js'
import { type OpenedBackbone, prepareBackbone, prepareModel, preparePadding } from './prepare.js'
import { sessionFacts } from './replay/config.js'
import type { GraphFacts } from './replay/replay.js'
import { asBegun, type Checks, checkSame, keepPlacesAndNames, resumedRun, withChanges } from './resume.js'
import { chooseMode, eagerStepper, replayStepper } from './stepper.js'
import { testBest } from './test_best.js'
import { runTraining, type Training } from './trainer.js'

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
 * Trains an experiment into a run directory and reports it: validation and test scores of the best checkpoint.
 * @throws Interrupted after saving, RunBusy, UserError for what the user can mend.
 */
export async function train(experiment: Experiment, options: TrainOptions): Promise<Result> {
  const { folder, resume } = options
  const open = () => (resume ? openRun(folder) : newRun(folder))
  return withLock(`${open().folder}.lock`, () => trainInto(open(), experiment, options), {
    busy: (holder) => {
      throw new RunBusy(folder, holder)
    },
    say: options.progress.note,
  })
}

async function trainInto(files: RunFiles, experiment: Experiment, options: TrainOptions): Promise<Result> {
  const { progress, interrupted } = options
  removeHalfWritten(files)
  const resumed = options.resume ? resumedRun(files, experiment, options) : undefined
  const prepared = await prepare(resumed ? asBegun(files, experiment) : experiment, progress, resumed)
  if (options.resume) checkSame(files, prepared.experiment, experiment)
  const finished = readResult(files)
  if (finished) {
    progress.note('The run is finished already.')
    progress.end()
    closeAll(prepared)
    return finished
  }
  if (options.resume) checkOrder(files, 'start a new run with --run-dir.', prepared.plan.order)
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  progress.note(device.description)
  const { mode, why } = chooseMode(prepared.experiment, device, prepared.steps)
  progress.note(`Steps: ${mode} (${why}).`)
  const { ladder, padding } = preparePadding(prepared, mode)
  progress.note(paddingLine(padding))
  const team = await assembleTeam(prepared.experiment, prepared.backbone, device, progress)
  if (options.resume) keepPlacesAndNames(files, prepared.experiment)
  else beginRun(files, experimentYaml(storedPlaces(prepared.experiment, files.folder)))
  const blueprint = blueprintOf(prepared.backbone.config, prepared.experiment.method)
  const counts = countsOf(blueprint, prepared.backbone)
  const session = mode === 'replay' && !team ? sessionFacts(device.threads) : null
  const steps = { engine_mode: mode, session, graphs: [], row_order: prepared.plan.order, padding }
  const facts = { ...counts, ...notedBackbone(prepared.backbone.files), ...steps, ...(team && crew(team)) }
  const { state, run } = await startOrResume(files, blueprint, prepared, progress)
  const manifest = withChanges(manifestOf(prepared.experiment, device, facts, hashesOf(prepared)), state.step, resumed)
  truncateMetrics(files.metrics, state.step, progress.warn)
  writeJson(files.manifest, manifest)
  const { labels } = prepared
  const evaluation = {
    experiment: prepared.experiment,
    tokenizer: prepared.backbone.tokenizer,
    labels,
    progress,
    interrupted,
  }
  progress.phase(state.step > 0 ? `Training, resumed after step ${state.step}` : 'Training')
  const goOn = (error: WorkerLost) => {
    progress.warn(`${error.at} ${error.problem} The others go on.`)
    writeJson(files.manifest, Object.assign(manifest, crew(team!)))
  }
  const model = team || mode === 'eager' ? prepareModel(prepared.experiment, prepared.backbone, progress) : undefined
  const stepper = team
    ? workersStepper(model!, prepared.experiment, team, state, goOn)
    : model
      ? eagerStepper(model, prepared.experiment, state)
      : await replayStepper(blueprint, prepared.experiment, state, {
          ...prepared.backbone.files,
          threads: device.threads,
          onGraph: (graph) => noteGraph(files, manifest, graph),
        })
  try {
    const pace = await runTraining(
      { ...prepared, ladder, files, blueprint, evaluation, progress, interrupted },
      stepper,
      run,
    )
    await saveTrained(files.last, blueprint, await stepper.state())
    const best = run.best!
    const { read } = prepared.backbone.files
    const tested = await testBest(stepper, blueprint, prepared.test, { files, step: best.step, read, evaluation })
    const result = {
      validation: best.validation,
      ...tested,
      best_step: best.step,
      steps: prepared.steps,
      seconds: Math.round(run.seconds * 10) / 10,
      ...(pace.median && { step_seconds: pace.median }),
      ...memoryTaken(),
      ...counts,
      share_percent: (100 * counts.trained_parameters) / counts.backbone_parameters,
    }
    writeJson(files.result, result)
    progress.end()
    return result
  } finally {
    stepper.free()
    team?.close()
    if (model) disposeModel(model)
    closeAll(prepared)
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
  const validation = await data.split('validation')
  const test = await data.split('test')
  const heldOut = heldOutNote(experiment.task, validation.rows)
  if (heldOut) progress.note(heldOut)
  const { training } = experiment
  const { labels, longest } = await readTargets(experiment.task, SPLITS, {
    tokenizer: backbone.tokenizer,
    scoring: 'generate',
    targetLength: training.target_length,
    note: (text) => progress.note(text),
  })
  const plan = trainingPlan(train.lengths, training.batch_size, training.seed, training.group_by_length)
  if (training.group_by_length && plan.order === 'random') progress.note(tooFewToGroup(plan))
  const steps = training.steps ?? training.epochs! * plan.stepsPerEpoch
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
  const task = { ...experiment.task, ...(experiment.task.split === 'held_out' && { held_out: validation.rows }) }
  const prepared = { backbone, data, train, validation, test, labels, plan, steps }
  return { experiment: { ...experiment, task, training: inForce }, ...prepared }
}

const tooFewToGroup = ({ stepsPerEpoch }: TrainingPlan) =>
  `Rows are not grouped by length: an epoch has ${stepsPerEpoch} steps, and grouping takes ${GROUPED_FROM}. Their order is random.`

const hashesOf = ({ train, validation, test }: Prepared) => ({
  train: train.sha256,
  validation: validation.sha256,
  test: test.sha256,
})

/** Frees what `prepare` opened. */
export function closeAll({ data, backbone }: Prepared): void {
  data.close()
  backbone.files.close()
}

/** A graph is met while the run goes on: the manifest is written again. */
function noteGraph(files: RunFiles, manifest: Manifest, graph: GraphFacts): void {
  manifest.graphs.push({ ...graph, seconds: Math.round(graph.seconds * 100) / 100 })
  writeJson(files.manifest, manifest)
}

const crew = ({ members, lost }: Team) => ({ workers: members, workers_lost: lost })

const countsOf = ({ layout }: Blueprint, { parameters }: OpenedBackbone) => ({
  trained_parameters: layout.size,
  backbone_parameters: parameters,
})

async function startOrResume(
  files: RunFiles,
  blueprint: Blueprint,
  { experiment, backbone }: Prepared,
  progress: Progress,
) {
  if (existsSync(files.checkpoint)) {
    const { optimizer, run } = loadCheckpoint(files.checkpoint, blueprint.layout)
    await restoreBest(files, blueprint, optimizer, run, progress.warn)
    return { state: optimizer, run }
  }
  const state = startState(startVector(blueprint, backbone.files.read, experiment.training.seed))
  const run: RunState = { evaluatedStep: 0, seconds: 0 }
  return { state, run }
}
