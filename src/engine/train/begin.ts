import { existsSync, rmSync } from 'node:fs'
import { isEncoder } from '../../backbone/registry.js'
import type { Mode } from '../../base/choices.js'
import type { Progress } from '../../base/progress.js'
import { experimentYaml } from '../../experiment/load/load.js'
import { storedPlaces } from '../../experiment/places.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { beginRun, type RunFiles } from '../../run/directory.js'
import { truncateMetrics } from '../../run/log/metrics_log.js'
import { type ChosenBatch, type Device, manifestOf } from '../../run/manifest.js'
import type { RunState } from '../../run/state.js'
import { type Padding, paddingLine } from '../../task/tokens/lengths.js'
import type { Ranks } from '../cluster/ranks.js'
import { checkTogether, stateOfRankZero } from '../cluster/together.js'
import { type DeviceOptions, startDevice } from '../device/device.js'
import { blueprintOf } from '../model/model.js'
import { chooseMode } from '../model/stepper.js'
import type { OptimizerState } from '../optimizer/optimizer.js'
import { preparePadding } from '../prepare/prepare.js'
import { noteLonger } from './longer.js'
import type { Prepared } from './prepared.js'
import { noRecord, type RunRecord, recordInto } from './record.js'
import { keepWhatChanged, type Resumed, type There, withChanges } from './resume.js'
import { factsOf, hashesOf } from './run_facts.js'
import { startFrom } from './start_from.js'
import { startOrResume } from './start_or_resume.js'
import type { Training } from './trainer.js'

export interface TrainOptions extends DeviceOptions {
  /** The run's folder. */
  folder: string
  /** Continue the run in the folder. */
  resume: boolean
  /** Continue it on another backbone or other rows than it was made with. */
  allowChanged?: boolean | undefined
  progress: Progress
  /** Called after every step and every batch of an evaluation. */
  interrupted: () => boolean
  /** The processes that share the training; by default only this one. */
  ranks?: Ranks
}

/** A training run with steps left: where it goes, what it is made of, and how it is done. */
export interface Job extends Pick<There, 'length'> {
  files: RunFiles
  prepared: Prepared
  /** Set if `training.batch_size` is auto. */
  sized: ChosenBatch | undefined
  /** Set for a run that continues. */
  resumed: Resumed | undefined
  options: TrainOptions & { ranks: Ranks }
}

/** How training is computed. */
export interface Computation extends Pick<Training, 'blueprint' | 'ladder'> {
  device: Device
  mode: Mode
  padding: Padding
}

/** Starts the device, and says what computes the steps and how. @throws UserError where ranks differ in that */
export async function setUp({ prepared, options }: Job): Promise<Computation> {
  const { experiment, backbone, train, validation, test, steps } = prepared
  const { progress, ranks } = options
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  progress.note(device.description)
  const { mode, why } = chooseMode(experiment, device, steps)
  progress.note(`Steps: ${mode} (${why}).`)
  progress.note(settingsLine(experiment))
  const { ladder, padding } = preparePadding(prepared, mode)
  progress.note(paddingLine(padding, { decoded: !isEncoder(backbone.config) }))
  await checkTogether(ranks, { experiment, backbone, splits: [train, validation, test], device, mode })
  return { device, mode, ladder, padding, blueprint: blueprintOf(backbone.config, experiment.method) }
}

/**
 * Returns a line about the settings in force: `Batch size 100 in parts of 25 rows; adam, learning rate 0.003, linear
 * schedule, 500 warm-up steps.`
 */
function settingsLine({ training }: Experiment): string {
  const { micro_batch_size: most, optimizer, learning_rate, schedule, warmup_steps } = training
  const rows = rowsAStep(training)
  const parts = most !== undefined && most < rows ? ` in parts of ${most} ${most === 1 ? 'row' : 'rows'}` : ''
  const warmup = `${warmup_steps || 'no'} warm-up ${warmup_steps === 1 ? 'step' : 'steps'}`
  return `Batch size ${rows}${parts}; ${optimizer}, learning rate ${learning_rate}, ${schedule} schedule, ${warmup}.`
}

/** The state of training before its next step. */
export interface Begun {
  state: OptimizerState
  run: RunState
  record: RunRecord
}

/**
 * Begins the run's folder, or continues from its checkpoint, and writes the manifest; only on rank 0, which sends its
 * state to the others.
 */
export async function begin(job: Job, computation: Computation): Promise<Begun> {
  const { device, blueprint } = computation
  const { files, prepared, resumed, length, options } = job
  const { experiment, backbone } = prepared
  const { progress, ranks, resume } = options
  const leads = ranks.rank === 0
  const begins = leads && !existsSync(files.checkpoint)
  const start = begins ? startFrom(experiment, blueprint, backbone.files) : undefined
  if (leads && !resume) beginRun(files, experimentYaml(storedPlaces(experiment, files.folder)))
  const { state, run } = await stateOfRankZero(ranks, () => startOrResume(files, blueprint, prepared, progress, start))
  if (leads) truncateMetrics(files.metrics, state.step, progress.warn)
  const record = leads ? recordInto(files, blueprint, experiment.training.tensorboard) : noRecord
  const facts = await factsOf(job, computation, start?.from)
  if (length) noteLonger(length, experiment.training.schedule, state.step, progress)
  if (leads && resume) rmSync(files.result, { force: true }) // a run that continues is not finished
  record.manifest(withChanges(manifestOf(experiment, device, facts, hashesOf(prepared)), state.step, resumed, length))
  if (leads && resume) keepWhatChanged(files, experiment)
  progress.phase(state.step > 0 ? `Training, resumed after step ${state.step}` : 'Training')
  return { state, run, record }
}
