import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../base/error.js'
import { makeFolder, removeUnfinished, unfinished, writeAtomically } from '../base/files/atomic.js'
import { checkWritableFolder } from '../base/files/writable_folder.js'
import { isEventFile } from './log/tensorboard.js'

/** A split's metrics by name, × 100; mae and rmse in the units of the labels. */
export type Scores = Record<string, number>

/** Returns the paths of a run's files. What each holds: docs/run.md. */
export function runFiles(folder: string) {
  return {
    folder,
    experiment: join(folder, 'experiment.yaml'),
    manifest: join(folder, 'manifest.json'),
    metrics: join(folder, 'metrics.jsonl'),
    checkpoint: join(folder, 'checkpoint', 'state.safetensors'),
    last: join(folder, 'last.safetensors'),
    best: join(folder, 'best.safetensors'),
    result: join(folder, 'result.json'),
    validationPredictions: join(folder, PREDICTIONS, 'validation.jsonl'),
    testPredictions: join(folder, PREDICTIONS, 'test.jsonl'),
  }
}

const PREDICTIONS = 'predictions'

export type RunFiles = ReturnType<typeof runFiles>

/** Returns the file that says what a file of predictions was made with. */
export const predictedWithFile = (predictions: string): string => `${predictions}.manifest.json`

/** The score of a guess that looks at no row. */
export interface Chance {
  /**
   * The guess: always the commonest label of the training rows, always their mean, or one of a row's choices at random.
   */
  by: 'majority_class' | 'mean' | 'uniform'
  /** The output, if it is always the same. */
  guess?: string
  validation: Scores
  test: Scores
}

/**
 * The result of a finished run. `seconds` is the time of training and evaluation, over all sessions of a resumed run.
 */
export interface Result {
  validation: Scores
  /** Mean cross-entropy of the validation rows' target tokens in nats; undefined in runs of earlier versions. */
  validation_loss?: number
  test: Scores
  /** The chance, for a task that can be guessed; undefined in runs of earlier versions. */
  chance?: Chance
  /**
   * Whether a test answer differs from that with the method's own tensors as they started; undefined for `full` and in
   * runs of earlier versions.
   */
  own_tensors_moved_answers?: boolean
  best_step: number
  /** The number of steps that were taken. */
  steps: number
  /** The number of steps of the whole schedule, if early stopping ended the run before. */
  planned_steps?: number
  seconds: number
  /** Median of a training step, in seconds; undefined where a resumed run had no step left. */
  step_seconds?: number
  /** Peak resident memory of the process, in its last session. */
  peak_memory_bytes: number
  /** Memory of the GPU that the process used, on `webgpu`. */
  gpu_memory_bytes?: number
  trained_parameters: number
  /** Those of them in the head; of runs on encoders. */
  head_parameters?: number
  backbone_parameters: number
  share_percent: number
}

/**
 * Returns the files of a new run; nothing is written yet.
 * @throws UserError if the folder holds something already, since a run is never overwritten, or if nothing can be
 *   written there.
 */
export function newRun(folder: string): RunFiles {
  const files = runFiles(folder)
  if (holdsFiles(folder)) {
    const resumable = existsSync(files.experiment) && existsSync(dirname(files.checkpoint)) && !existsSync(files.result)
    throw new UserError({
      at: folder,
      problem: existsSync(files.result) ? 'holds a finished run.' : 'exists already.',
      remedy:
        `${resumable ? 'Continue it with --resume, or choose' : 'Choose'} another folder with --run-dir, ` +
        'or delete this one.',
    })
  }
  checkWritableFolder(folder, 'a run', '--run-dir') // now, before a large backbone is downloaded
  return files
}

/** Makes the run's folder and writes the experiment into it. */
export function beginRun(files: RunFiles, experimentYaml: string): void {
  makeFolder(dirname(files.checkpoint))
  writeAtomically(files.experiment, experimentYaml)
}

/** Whether only the process that trains the run, which holds its lock, writes files of this name. */
function isTrained(name: string): boolean {
  const { folder: _, ...files } = runFiles('')
  const predictions = [files.validationPredictions, files.testPredictions]
  const trained = [...Object.values(files), ...predictions.map(predictedWithFile)]
  return trained.some((file) => basename(file) === name) || isEventFile(name)
}

export function isHalfWritten(name: string): boolean {
  const final = unfinished(name)
  return final !== undefined && isTrained(final)
}

/** Removes files that killed processes of the run have left half-written. The caller holds the run's lock. */
export function removeHalfWritten({ folder, checkpoint, testPredictions }: RunFiles): void {
  for (const each of [folder, dirname(checkpoint), dirname(testPredictions)]) removeUnfinished(each, isTrained)
}

/**
 * Whether a folder holds more than a start that was stopped before its first step: empty folders, half-written files,
 * and the files of the experiment. An experiment.yaml on its own belongs to the user.
 */
function holdsFiles(folder: string): boolean {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return false
  const { checkpoint, experiment, manifest } = runFiles(folder)
  const begun = existsSync(dirname(checkpoint)) ? [experiment, manifest] : []
  return readdirSync(folder, { recursive: true, withFileTypes: true }).some(
    (entry) =>
      !entry.isDirectory() && !isHalfWritten(entry.name) && !begun.includes(join(entry.parentPath, entry.name)),
  )
}

/**
 * Returns the files of a run that exists. `several` says that a command takes several runs.
 * @throws UserError if the folder is not a run.
 */
export function openRun(folder: string, { several = false } = {}): RunFiles {
  const files = runFiles(folder)
  if (existsSync(files.experiment)) return files
  if (!existsSync(folder)) throw new UserError({ at: folder, problem: 'there is no such folder.', remedy: NAME_A_RUN })
  const inside = runsIn(folder)
  const remedy = several ? `Name them: ${join(folder, '*')}.` : `Name one of them: ${shownRuns(inside)}.`
  throw new UserError({
    at: folder,
    problem:
      'is not a run: it has no ' +
      `experiment.yaml${inside.length > 0 ? `, but holds ${counted(inside.length)}` : ''}.`,
    remedy: inside.length > 0 ? remedy : NAME_A_RUN,
  })
}

const NAME_A_RUN = 'Name a folder that `compacter train` made, such as runs/quickstart.'
const RUNS_SHOWN = 3

/** Returns the runs in a folder: that of a grid holds a run for each of its cells. */
function runsIn(folder: string): string[] {
  if (!statSync(folder).isDirectory()) return []
  const entries = readdirSync(folder).sort()
  return entries.map((name) => join(folder, name)).filter((path) => existsSync(runFiles(path).experiment))
}

const counted = (runs: number) => (runs === 1 ? 'one' : `${runs} runs`)

const shownRuns = (runs: string[]) =>
  [...runs.slice(0, RUNS_SHOWN), ...(runs.length > RUNS_SHOWN ? ['…'] : [])].join(', ')

export const writeJson = (path: string, value: unknown): void =>
  writeAtomically(path, `${JSON.stringify(value, null, 2)}\n`)
