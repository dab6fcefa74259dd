import { existsSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import type { Experiment, TrainingOptions } from '../../experiment/schema.js'
import type { Result, RunFiles } from '../../run/directory.js'
import { runExperiment } from '../../run/experiment.js'
import { type LengthChange, readManifest } from '../../run/records.js'
import { readState } from '../../run/state.js'
import { sweepOf } from '../../run/sweep_of.js'

/**
 * Keys that set the length of a run. No step already taken depends on them, except through the learning rate's way to
 * the end.
 */
export const LENGTH = ['steps', 'epochs', 'patience'] as const

/** Returns the number of steps that an experiment asks for. */
export const plannedSteps = ({ steps, epochs }: Pick<TrainingOptions, 'steps' | 'epochs'>, stepsPerEpoch: number) =>
  steps ?? epochs! * stepsPerEpoch

/** Whether a result covers the whole run, which may be longer now than when it was written. */
export const isWhole = ({ steps, planned_steps = steps }: Result, planned: number): boolean => planned_steps >= planned

/**
 * Returns what changes in the length of a run that continues; undefined if nothing does.
 * @param steps of the whole run, with the new length
 * @throws UserError where the run can't have that length: it would be shorter, has no checkpoint to continue from, is a
 *   cell of a sweep, or would end at once because of `patience`.
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

/** Reports where a run that is longer than before ends now, and what that does to its learning rate. */
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
      : ` From step ${step + 1} on the learning rate (${schedule}) is that of a run of ${planned.to} steps; the ` +
        `steps before had that of ${planned.from}.`
  to.note(`The run goes on to step ${planned.to}; it was to end at step ${planned.from}.${rates}`)
}

/**
 * Refuses to continue without a checkpoint: the run would start from its beginning and overwrite its files.
 * @throws UserError where trained tensors exist without the checkpoint that they came from.
 */
export function checkGoesOn(files: RunFiles): void {
  const { folder, checkpoint, best } = files
  if (existsSync(checkpoint) || !existsSync(best)) return
  const cleaned = cleanedAway(files)
  throw new UserError({
    at: folder,
    problem: cleaned
      ? `${cleaned} the checkpoint to go on from.`
      : `has trained tensors, but no ${checkpoint} to go on from: it was imported, or keeps only the best.`,
    remedy:
      'Restore the checkpoint, or start a new run from its best tensors: --set ' +
      `training.start_from=${folder} and --run-dir.`,
  })
}

/** Returns the beginning of a sentence on what `runs clean` took from a run; undefined where it took nothing. */
function cleanedAway(files: RunFiles): string | undefined {
  const { cleaned } = readManifest(files) ?? {}
  if (!cleaned || existsSync(files.checkpoint)) return undefined
  return `was cleaned on ${cleaned.at.slice(0, 10)}: \`compacter runs clean\` removed`
}

/** Says that a run has no step left, and whether it could become longer. */
export function finishedAlready(files: RunFiles): string {
  const cleaned = cleanedAway(files)
  const why = cleaned ? ` It ${cleaned} its checkpoint, so it can't become longer.` : ''
  return `The run is finished already.${why}`
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
    problem: `is a cell of the sweep ${sweep}, whose cells are compared: none can be longer than its sweep says.`,
    remedy: 'Change the sweep and run it into another folder, or copy this one out of it and go on with the copy.',
  })

/** A run whose patience is used up would take none of its steps. */
function checkPatience({ folder, checkpoint }: RunFiles, { patience }: TrainingOptions, steps: number): void {
  if (patience === undefined || !existsSync(checkpoint)) return
  const { sinceBest = 0, step } = readState(checkpoint)
  if (sinceBest < patience || step >= steps) return
  throw new UserError({
    at: folder,
    problem:
      `its last ${sinceBest} evaluations brought no better score, so with training.patience ${patience} ` +
      'it would end at once.',
    remedy:
      `Be more patient: --set training.patience=${sinceBest + 1} or more, or null for no end before the ` +
      'last step.',
  })
}
