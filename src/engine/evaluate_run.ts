import { existsSync } from 'node:fs'
import { UserError } from '../error.js'
import { readExperiment } from '../experiment/load.js'
import type { Progress } from '../progress.js'
import { openRun, type RunFiles } from '../run/directory.js'
import { type Confusion, confusionMatrix } from '../task/confusion.js'
import type { Split } from '../task/rows.js'
import { examplesOf, sourceOf } from '../task/source.js'
import tf from '../tf.cjs'
import { loadTrained } from './checkpoint.js'
import { prepareData } from './data.js'
import { type DeviceOptions, startDevice } from './device.js'
import { type Evaluated, evaluateSplit, labelsToRank, type Scoring } from './evaluate.js'
import { disposeModel } from './model.js'
import { prepareBackbone, prepareModel } from './prepare.js'

export interface EvaluateRunOptions extends DeviceOptions {
  split: Split
  scoring: Scoring
  progress: Progress
}

export interface EvaluatedRun extends Evaluated {
  task: string
  /** Of a classification. */
  confusion?: Confusion
}

/**
 * Scores a finished or running run's best trained tensors on a split.
 * @throws UserError where there is no run, no checkpoint, or nothing to rank.
 */
export async function evaluateRun(
  folder: string,
  { split: name, scoring, progress, ...options }: EvaluateRunOptions,
): Promise<EvaluatedRun> {
  const files = openRun(folder)
  checkEvaluated(files)
  const { experiment } = readExperiment(files.experiment)
  const labels = scoring === 'rank' ? await labelsToRank(experiment, () => trainingTargets(experiment.task)) : undefined
  const backbone = await prepareBackbone(experiment, progress)
  const data = prepareData(experiment, backbone, progress)
  const split = await data.split(name)
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  progress.note(device.description)
  const model = prepareModel(experiment, backbone, progress)
  const vector = tf.tensor1d(loadTrained(files.best, model))
  progress.phase('Evaluating')
  const { tokenizer } = backbone
  try {
    const evaluated = await evaluateSplit(model, vector, split, { experiment, tokenizer, progress }, labels)
    const { name: task, kind } = experiment.task
    return { task, ...evaluated, ...(kind === 'classification' && { confusion: confusionOf(evaluated) }) }
  } finally {
    progress.end()
    vector.dispose()
    disposeModel(model)
    data.close()
    backbone.files.close()
  }
}

function confusionOf({ predictions, examples }: Evaluated): Confusion {
  return confusionMatrix(
    predictions.map(({ text }) => text),
    examples.map(({ target }) => target),
  )
}

function checkEvaluated({ folder, best }: RunFiles): void {
  if (existsSync(best)) return
  throw new UserError({
    at: folder,
    problem: 'has no best checkpoint yet: it was stopped before its first evaluation.',
    remedy: 'Go on with `compacter train EXPERIMENT --resume`.',
  })
}

async function trainingTargets(task: Parameters<typeof sourceOf>[0]): Promise<Set<string>> {
  const targets = new Set<string>()
  for await (const { target } of examplesOf(task, await sourceOf(task, 'train'))) targets.add(target)
  return targets
}
