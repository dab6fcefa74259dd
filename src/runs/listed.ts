import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { UserError } from '../base/error.js'
import { isLocked } from '../base/lock/lock.js'
import { hideSecrets } from '../base/secrets.js'
import { shownPath } from '../base/yaml/source.js'
import { methodName } from '../experiment/method_name.js'
import type { Experiment } from '../experiment/schema.js'
import { type Result, type RunFiles, runFiles, type Scores } from '../run/directory.js'
import { runExperiment } from '../run/experiment.js'
import { lastStep } from '../run/log/last_step.js'
import { type Environment, RESTORE_BEST, readManifest, readResult } from '../run/records.js'
import { type RunState, readState, stepOfTrained } from '../run/state.js'
import { failureIn, type LookedAt, reasonOf } from './folders.js'

/**
 * `finished`: it has its result, or was imported; `interrupted`: --resume continues it; `running`: a living process
 * holds its lock; `broken`: a file is missing or damaged, or it is a cell of a sweep that failed.
 */
export const RUN_STATES = ['finished', 'interrupted', 'running', 'broken'] as const
export type RunStateName = (typeof RUN_STATES)[number]

/** A run as `compacter runs` lists it: of a broken or running one what can be read. */
export interface Listed {
  folder: string
  state: RunStateName
  /** Why it is broken. */
  reason?: string
  name?: string
  /** The nearest preset and what differs from it. */
  method?: string
  backbone?: string
  task?: string
  /** Scores of the best checkpoint so far. */
  validation?: Scores
  test?: Scores
  /** The steps that were taken. */
  steps?: number
  seconds?: number
  /** All files in the folder. */
  bytes: number
  trained_parameters?: number
  /** Whether only the best checkpoint is left of a finished run, since `compacter runs clean`. */
  cleaned?: true
}

/** A listed run with its experiment, where that can be read. */
export interface Found {
  run: Listed
  experiment?: Experiment
}

/**
 * Reads what is in a run's folder. Nothing in it stops the list: what can't be read makes the run a broken one. `own`
 * says that this process holds the run's lock itself.
 */
export async function readListed({ folder, kind, reason = '' }: LookedAt, { own = false } = {}): Promise<Found> {
  const here = { folder, bytes: bytesIn(folder) }
  if (kind !== 'run') return { run: { ...here, state: 'broken', reason: hideSecrets(reason) } }
  const files = runFiles(folder)
  // first: what is read after a run's end is its end
  const running = !own && (await isLocked(`${resolve(folder)}.lock`))
  let experiment: Experiment | undefined
  try {
    experiment = runExperiment(files.experiment)
    return { experiment, run: { ...here, ...described(experiment), ...(running ? going(files) : ended(files)) } }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const state = running ? RUNNING : { state: 'broken' as const, reason: hideSecrets(reasonOf(error, folder)) }
    const run = { ...here, ...(experiment && described(experiment)), ...state }
    return experiment ? { run, experiment } : { run }
  }
}

const described = ({ name, method, backbone, task }: Experiment) => ({
  name,
  method: methodName(method),
  backbone: isAbsolute(backbone.name) ? shownPath(backbone.name) : backbone.name,
  task: task.name,
})

type Told = Omit<Listed, 'folder' | 'bytes' | keyof ReturnType<typeof described>>

const RUNNING = { state: 'running' } as const
const FINISHED = { state: 'finished' } as const

function going(files: RunFiles): Told {
  const soFar = existsSync(files.checkpoint) ? fromState(readState(files.checkpoint)) : {}
  return { ...soFar, ...RUNNING, steps: lastStep(files.metrics) }
}

/** @throws UserError where a file is damaged or missing. */
function ended(files: RunFiles): Told {
  const manifest = readManifest(files)
  const counted = manifest && { trained_parameters: manifest.trained_parameters }
  const result = readResult(files)
  if (result || manifest?.imported) {
    if (!manifest)
      throw new UserError({ at: files.manifest, problem: 'is missing.', remedy: 'Restore it from a copy.' })
    checkBest(files, result)
    return { ...counted, ...(result && fromResult(result)), ...ofCleaned(files, manifest), ...FINISHED }
  }
  const failed = failureIn(files.folder)
  if (failed !== undefined) return { ...counted, state: 'broken', reason: failed }
  const state = existsSync(files.checkpoint) ? fromState(readState(files.checkpoint)) : { steps: 0 }
  return { ...counted, ...state, state: 'interrupted' }
}

const ofCleaned = ({ checkpoint }: RunFiles, manifest: Environment | undefined) =>
  manifest?.cleaned && !existsSync(checkpoint) ? ({ cleaned: true } as const) : {}

const fromResult = ({ validation, test, steps, seconds }: Result) => ({ validation, test, steps, seconds })

const fromState = ({ step, best, seconds }: RunState & { step: number }) => ({
  ...(best && { validation: best.validation }),
  steps: step,
  seconds,
})

/** A finished run is of use through its best tensors. */
function checkBest({ best }: RunFiles, result: Result | undefined): void {
  if (!existsSync(best)) throw new UserError({ at: best, problem: 'is missing.', remedy: RESTORE_BEST })
  const step = stepOfTrained(best)
  if (step === undefined || !result || step === result.best_step) return
  const problem = `holds the tensors of step ${step}; the result is of step ${result.best_step}.`
  throw new UserError({ at: best, problem, remedy: RESTORE_BEST })
}

/** Returns the bytes of all files at and below a path; a link counts by itself. */
function bytesIn(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.size ?? 0
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0)
}
