import { existsSync } from 'node:fs'
import type { T5Tokenizer } from '../backbone/tokenizer.js'
import { UserError } from '../error.js'
import { readExperiment } from '../experiment/load.js'
import type { Experiment } from '../experiment/schema.js'
import type { Progress } from '../progress.js'
import { openRun, type Scores } from '../run/directory.js'
import { evaluationBatches, padBatch } from '../task/batches.js'
import { score } from '../task/metrics.js'
import type { Split } from '../task/rows.js'
import tf from '../tf.cjs'
import { loadTrained } from './checkpoint.js'
import { type DeviceOptions, startDevice } from './device.js'
import { generate } from './generate.js'
import { Interrupted } from './interrupt.js'
import { disposeModel, evaluationPass, type Model } from './model.js'
import { longestTarget, type PreparedSplit, prepareBackbone, prepareModel, prepareSplit } from './prepare.js'

export interface Evaluation {
  experiment: Experiment
  tokenizer: T5Tokenizer
  progress: Progress
  /** Asked between batches; true ends the evaluation with `Interrupted`. */
  interrupted?: () => boolean
}

/** Decodes a split greedily and scores it; rows that fill the last batch are left out of the scores. */
export async function evaluateSplit(
  model: Model,
  vector: tf.Tensor1D,
  split: PreparedSplit,
  { experiment, tokenizer, progress, interrupted }: Evaluation,
): Promise<Scores> {
  const { pass, dispose } = evaluationPass(model, vector)
  const predictions: string[] = new Array(split.examples.length)
  const batchSize = Math.min(experiment.training.evaluation_batch_size, split.examples.length)
  const batches = evaluationBatches(split.lengths, batchSize)
  const maxLength = experiment.training.target_length ?? longestTarget(split.tokens)
  try {
    for (const [index, { rows, real }] of batches.entries()) {
      if (interrupted?.()) throw new Interrupted()
      const outputs = await generate(pass, padBatch(split.tokens, rows), maxLength)
      for (const [place, row] of rows.slice(0, real).entries()) predictions[row] = tokenizer.decode(outputs[place]!)
      progress.update(
        `${split.name}: ${Math.min((index + 1) * batchSize, predictions.length)} of ${predictions.length} rows`,
      )
      await new Promise(setImmediate) // lets signals in
    }
  } finally {
    dispose()
  }
  const targets = split.examples.map(({ target }) => target)
  const labels = new Set(targets)
  const invalid = predictions.filter((prediction) => !labels.has(prediction))
  if (invalid.length > 0)
    progress.note(
      `${split.name}: ${invalid.length} of ${predictions.length} outputs are no label, such as ${JSON.stringify(invalid[0])}`,
    )
  return score(experiment.task.metrics, predictions, targets)
}

/** What chooses the best checkpoint: the mean of a task's metrics. */
export function meanScore(scores: Scores): number {
  const values = Object.values(scores)
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Scores a finished or running run's best trained tensors on a split. */
export async function evaluateRun(
  folder: string,
  { split, progress, ...device }: { split: Exclude<Split, 'train'>; progress: Progress } & DeviceOptions,
): Promise<{ split: string; rows: number; scores: Scores }> {
  const files = openRun(folder)
  const { experiment } = readExperiment(files.experiment)
  if (!existsSync(files.best)) {
    throw new UserError({
      at: files.folder,
      problem: 'has no best checkpoint yet: it was stopped before its first evaluation.',
      remedy: 'Go on with `compacter train EXPERIMENT --resume`.',
    })
  }
  const backbone = await prepareBackbone(experiment, progress)
  progress.phase(`Reading ${split} rows`)
  const rows = await prepareSplit(experiment, split, backbone.tokenizer)
  const { description, notes } = await startDevice(device)
  for (const note of notes) progress.warn(note)
  progress.note(description)
  const model = prepareModel(experiment, backbone, progress)
  const vector = tf.tensor1d(loadTrained(files.best, model))
  progress.phase('Evaluating')
  const { tokenizer } = backbone
  const scores = await evaluateSplit(model, vector, rows, { experiment, tokenizer, progress })
  progress.end()
  vector.dispose()
  disposeModel(model)
  return { split, rows: rows.examples.length, scores }
}
