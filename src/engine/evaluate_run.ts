import { UserError } from '../error.js'
import { openTrainedRun, type TrainedRun } from '../export/trained_run.js'
import type { Progress } from '../progress.js'
import { type Confusion, confusionMatrix } from '../task/confusion.js'
import type { Split } from '../task/rows.js'
import { examplesOf, sourceOf } from '../task/source.js'
import { prepareData } from './data.js'
import { type DeviceOptions, startDevice } from './device.js'
import { type Evaluated, evaluateSplit, hintAtRanking, labelsToRank, type Scoring } from './evaluate.js'
import { type OneBackbone, openOneBackbone, type Storage } from './one_backbone.js'
import { eagerDecoder } from './predict.js'

export interface EvaluateRunsOptions extends DeviceOptions {
  split: Split
  scoring: Scoring
  progress: Progress
}

export interface EvaluatedRun extends Evaluated {
  /** As it was named. */
  run: string
  task: string
  /** Of a classification. */
  confusion?: Confusion
}

/** A run, and what its rows are ranked by. */
interface ToEvaluate {
  run: TrainedRun
  labels: string[] | undefined
}

/**
 * Scores the best trained tensors of runs, finished or running, or of exported safetensors folders, on a split each. The
 * backbone is loaded once.
 * @throws UserError where one is neither, has no checkpoint, another backbone than the first, or nothing to rank.
 */
export async function evaluateRuns(
  folders: string[],
  { split, scoring, progress, ...options }: EvaluateRunsOptions,
): Promise<{ evaluated: EvaluatedRun[]; storage: Storage }> {
  const all: ToEvaluate[] = []
  for (const run of folders.map(openTrainedRun))
    all.push({ run, labels: scoring === 'rank' ? await rankedLabels(run) : undefined })
  const backbone = await openOneBackbone(
    all.map(({ run }) => run),
    progress,
  )
  try {
    const device = await startDevice(options)
    for (const note of device.notes) progress.warn(note)
    progress.note(device.description)
    const evaluated: EvaluatedRun[] = []
    for (const each of all) evaluated.push(await evaluateOne(each, backbone, split, progress))
    return { evaluated, storage: backbone.storage }
  } finally {
    progress.end()
    backbone.close()
  }
}

async function evaluateOne(
  { run, labels }: ToEvaluate,
  backbone: OneBackbone,
  name: Split,
  progress: Progress,
): Promise<EvaluatedRun> {
  const { experiment, folder } = run
  const own = backbone.backboneOf(run)
  const data = prepareData(experiment, own, progress)
  try {
    const split = await data.split(name)
    progress.phase('Weights onto the device')
    const { model, vector, dispose } = backbone.load(run)
    const decoder = eagerDecoder(model, vector)
    try {
      progress.phase(`Evaluating ${folder}`)
      const evaluation = { experiment, tokenizer: own.tokenizer, progress }
      const evaluated = await evaluateSplit(decoder, split, evaluation, labels)
      const { name: task, kind } = experiment.task
      if (!labels) hintAtRanking(kind, evaluated, '--scoring rank', progress)
      return {
        run: folder,
        task,
        ...evaluated,
        ...(kind === 'classification' && { confusion: confusionOf(evaluated) }),
      }
    } finally {
      decoder.dispose()
      dispose()
    }
  } finally {
    data.close()
  }
}

function confusionOf({ predictions, examples }: Evaluated): Confusion {
  return confusionMatrix(
    predictions.map(({ text }) => text),
    examples.map(({ target }) => target),
  )
}

/**
 * The labels that a run's rows are ranked by; none where every row has its own.
 * @throws UserError for a task without labels, and where only the training rows tell them and cannot be read.
 */
export const rankedLabels = ({ experiment }: TrainedRun): Promise<string[]> =>
  labelsToRank(experiment, async () => {
    try {
      return await trainingTargets(experiment.task)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const remedy = "The run's task.labels does not name the labels, so they are read from its training rows."
      throw new UserError({ problem: error.message, remedy }, { cause: error })
    }
  })

async function trainingTargets(task: Parameters<typeof sourceOf>[0]): Promise<Set<string>> {
  const targets = new Set<string>()
  for await (const { target } of examplesOf(task, await sourceOf(task, 'train'))) targets.add(target)
  return targets
}
