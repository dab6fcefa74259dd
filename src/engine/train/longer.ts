import { existsSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import type { Experiment, TrainingOptions } from '../../experiment/schema.js'
import type { Result, RunFiles } from '../../run/directory.js'
import { runExperiment } from '../../run/experiment.js'
import type { LengthChange } from '../../run/records.js'
import { readState } from '../../run/state.js'
import { sweepOf } from '../../run/sweep_of.js'

/** How long a run is. No step that was taken depends on it, except by the learning rate's way to the end. */
export const LENGTH = ['steps', 'epochs', 'patience'] as const

/** Steps of a run as its experiment tells them. */
export const plannedSteps = ({ steps, epochs }: Pick<TrainingOptions, 'steps' | 'epochs'>, stepsPerEpoch: number) =>
  steps ?? epochs! * stepsPerEpoch

/** Whether a result is of the whole run, which may be longer now than when it was written. */
export const isWhole = ({ steps, planned_steps = steps }: Result, planned: number): boolean => planned_steps >= planned

/**
 * What is other than before in the length of a run that goes on; undefined where nothing is.
 * @param steps of the whole run, as it is to be now
 * @throws UserError where the run can't have that length: it would be shorter, has no checkpoint to go on from, is a cell of
 * a sweep, or would end at once because of `patience`.
 */
export function lengthChange(
  files: RunFiles,
  { training: now }: Experiment,
  { steps, stepsPerEpoch }: { steps: number; stepsPerEpoch: number },
): LengthChange | undefined {
  const { training: before } = runExperiment(files.experiment)
  const keys = LENGTH.filter((key) => before[key] !== now[key])
  if (keys.length === 0) return undefined
  const planned = plannedSteps(before, stepsPerEpoch)
  if (steps < planned) throw shorter(files, planned, steps)
  if (steps === planned && before.patience === now.patience) return undefined
  const sweep = sweepOf(files.folder)
  if (sweep) throw ofSweep(files, sweep)
  checkPatience(files, now, steps)
  const training = keys.map((key) => [key, { from: before[key] ?? null, to: now[key] ?? null }])
  return {
    training: Object.fromEntries(training),
    ...(steps > planned && { planned_steps: { from: planned, to: steps } }),
  }
}

/** Says where a run that is longer than before ends now, and what that does to its learning rate. */
export function noteLonger(
  { planned_steps: planned }: LengthChange,
  schedule: string,
  step: number,
  to: Progress,
): void {
  if (!planned) return
  const rates =
    schedule === 'constant' || step === 0
      ? ''
      : ` From step ${step + 1} on the learning rate (${schedule}) is that of a run of ${planned.to} steps; the steps before had that of ${planned.from}.`
  to.note(`The run goes on to step ${planned.to}; it was to end at step ${planned.from}.${rates}`)
}

/**
 * A run without a checkpoint starts from its beginning, which would write over what is there.
 * @throws UserError where trained tensors are there without the checkpoint that they came from.
 */
export function checkGoesOn({ folder, checkpoint, best }: RunFiles): void {
  if (existsSync(checkpoint) || !existsSync(best)) return
  throw new UserError({
    at: folder,
    problem: `has trained tensors, but no ${checkpoint} to go on from: it was imported, or keeps only its best tensors.`,
    remedy: `Restore the checkpoint, or start a new run from its best tensors: --set training.start_from=${folder} and --run-dir.`,
  })
}

const shorter = ({ experiment }: RunFiles, before: number, now: number) =>
  new UserError({
    at: experiment,
    problem: `the run was started with ${before} steps; ${now} are fewer, and a run can only become longer.`,
    remedy: `Set training.steps to more than ${before}, or start a new run with --run-dir.`,
  })

const ofSweep = ({ folder }: RunFiles, sweep: string) =>
  new UserError({
    at: folder,
    problem: `is a cell of the sweep ${sweep}, whose cells are compared: none of them can be longer than its sweep says.`,
    remedy: 'Change the sweep and run it into another folder, or copy this one out of it and go on with the copy.',
  })

/** A run whose patience is over would take none of its steps. */
function checkPatience({ folder, checkpoint }: RunFiles, { patience }: TrainingOptions, steps: number): void {
  if (patience === undefined || !existsSync(checkpoint)) return
  const { sinceBest = 0, step } = readState(checkpoint)
  if (sinceBest < patience || step >= steps) return
  throw new UserError({
    at: folder,
    problem: `its last ${sinceBest} evaluations brought no better score, so with training.patience ${patience} it would end at once.`,
    remedy: `Be more patient: --set training.patience=${sinceBest + 1} or more, or null for no end before the last step.`,
  })
}
