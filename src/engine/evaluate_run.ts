import { checkBackbone, openTrainedRun } from '../export/trained_run.js'
import type { Progress } from '../progress.js'
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
 * Scores the best trained tensors of a run, finished or running, or of an exported safetensors folder on a split.
 * @throws UserError where there is neither, no checkpoint, another backbone, or nothing to rank.
 */
export async function evaluateRun(
  folder: string,
  { split: name, scoring, progress, ...options }: EvaluateRunOptions,
): Promise<EvaluatedRun> {
  const run = openTrainedRun(folder)
  const { experiment } = run
  const labels = scoring === 'rank' ? await labelsToRank(experiment, () => trainingTargets(experiment.task)) : undefined
  const backbone = await prepareBackbone(experiment, progress)
  checkBackbone(run, backbone.files)
  const data = prepareData(experiment, backbone, progress)
  const split = await data.split(name)
  const device = await startDevice(options)
  for (const note of device.notes) progress.warn(note)
  progress.note(device.description)
  const model = prepareModel(experiment, backbone, progress)
  const vector = tf.tensor1d(loadTrained(run.tensors, model))
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

async function trainingTargets(task: Parameters<typeof sourceOf>[0]): Promise<Set<string>> {
  const targets = new Set<string>()
  for await (const { target } of examplesOf(task, await sourceOf(task, 'train'))) targets.add(target)
  return targets
}
