import { parameterCount, type T5Config } from '../backbone/config.js'
import { locateBackbone } from '../backbone/locate.js'
import { loadTokenizer, type T5Tokenizer } from '../backbone/tokenizer.js'
import { type Backbone, openBackbone } from '../backbone/weights.js'
import { UserError } from '../error.js'
import type { Experiment } from '../experiment/schema.js'
import { type Progress, showDownload } from '../progress.js'
import type { TrainingPlan } from '../task/batches.js'
import { type Ladder, ladderOf, type Padding, paddingOf } from '../task/lengths.js'
import type { PreparedSplit } from './data.js'
import { loadModel, type Model } from './model.js'

/** A backbone's files and its tokenizer; `config` has the vocabulary that is in force. */
export interface OpenedBackbone {
  files: Backbone
  config: T5Config
  tokenizer: T5Tokenizer
  /** Of the backbone alone, with that vocabulary. */
  parameters: number
}

/** Finds the backbone, on the hub if need be, and opens it; no tensor is read yet. */
export async function prepareBackbone(experiment: Experiment, progress: Progress): Promise<OpenedBackbone> {
  const { name, trim_vocabulary } = experiment.backbone
  progress.phase(`Backbone ${name}`)
  const folder = await locateBackbone(name, {
    onProgress: showDownload(progress),
  })
  const files = openBackbone(folder)
  const tokenizer = await loadTokenizer(files.tokenizerFile)
  const { vocabularySize } = tokenizer
  if (vocabularySize > files.config.vocabulary) {
    throw new UserError({
      at: files.tokenizerFile,
      problem: `has ${vocabularySize} tokens; the backbone's embedding has ${files.config.vocabulary} rows.`,
      remedy: 'They do not belong together.',
    })
  }
  return withVocabulary(files, tokenizer, trim_vocabulary)
}

/** An opened backbone with its whole vocabulary in force, or the tokenizer's alone. */
export function withVocabulary(files: Backbone, tokenizer: T5Tokenizer, trim: boolean): OpenedBackbone {
  const config = trim ? { ...files.config, vocabulary: tokenizer.vocabularySize } : files.config
  return { files, config, tokenizer, parameters: parameterCount(config) }
}

/** Puts the backbone on the device, beside the method that the experiment trains. */
export function prepareModel(experiment: Experiment, { files, config }: OpenedBackbone, progress: Progress): Model {
  progress.phase('Weights onto the device')
  return loadModel(config, experiment.method, files.read, experiment.training.seed)
}

/**
 * The lengths that batches are padded to, and the padding that is left. Only a replayed shape costs something, so that an
 * eager training pads no further than to the next multiple of 8.
 */
export function preparePadding(
  {
    experiment,
    train,
    plan,
    steps,
  }: {
    experiment: Experiment
    train: Pick<PreparedSplit, 'lengths' | 'targetLengths'>
    plan: TrainingPlan
    steps: number
  },
  mode: 'replay' | 'eager',
): { ladder: Ladder | undefined; padding: Padding } {
  const lengths = { source: train.lengths, target: train.targetLengths }
  const ladder = mode === 'replay' ? ladderOf(lengths, plan, experiment.training.batch_size, steps) : undefined
  return { ladder, padding: paddingOf(ladder, lengths, plan, steps) }
}
