import { join } from 'node:path'
import { locateBackbone } from '../../backbone/files/locate.js'
import { loadTokenizer, type Tokenizer } from '../../backbone/files/tokenizer.js'
import { type Backbone, openBackbone } from '../../backbone/files/weights.js'
import { type BackboneConfig, isEncoder, longestRow, parameterCount } from '../../backbone/registry.js'
import type { Mode } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import { type Progress, showDownload } from '../../base/progress.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import type { TrainingPlan } from '../../task/tokens/batches.js'
import { type Ladder, ladderOf, type Padding, paddingOf } from '../../task/tokens/lengths.js'
import { loadModel, type Model } from '../model/model.js'
import type { PreparedSplit } from './data.js'
import { headedFor } from './head.js'

/** A backbone's files and its tokenizer; `config` has the vocabulary in force. */
export interface OpenedBackbone {
  files: Backbone
  config: BackboneConfig
  tokenizer: Tokenizer
  /** Parameters of the backbone with that vocabulary. */
  parameters: number
}

/** Finds the backbone, on the hub if necessary, and opens it; no tensor is read yet. */
export async function prepareBackbone(experiment: Experiment, progress: Progress): Promise<OpenedBackbone> {
  const { name } = experiment.backbone
  progress.phase(`Backbone ${name}`)
  const folder = await locateBackbone(name, showDownload(progress))
  const files = openBackbone(folder)
  try {
    const tokenizer = await loadTokenizer(files.tokenizerFile)
    checkTokenizer(files, tokenizer)
    return backboneFor(files, tokenizer, experiment)
  } catch (error) {
    files.close()
    throw error
  }
}

/**
 * Checks that tokenizer and config.json belong together.
 * @throws UserError where they come from different models: by the vocabulary, or the ids that end and pad a row.
 */
function checkTokenizer({ config, folder, tokenizerFile }: Backbone, tokenizer: Tokenizer): void {
  const { vocabularySize, eosId, padId = config.padId } = tokenizer
  if (vocabularySize > config.vocabulary) {
    throw new UserError({
      at: tokenizerFile,
      problem: `has ${vocabularySize} tokens; the backbone's embedding has ${config.vocabulary} rows.`,
      remedy: 'They do not belong together.',
    })
  }
  const ends = 'eosId' in config ? [['eos_token_id', config.eosId, eosId] as const] : []
  for (const [key, own, ofTokenizer] of [...ends, ['pad_token_id', config.padId, padId] as const]) {
    if (own === ofTokenizer) continue
    throw new UserError({
      at: join(folder, 'config.json'),
      problem: `${key} is ${own}; the tokenizer's is ${ofTokenizer} (${tokenizerFile}).`,
      remedy:
        `Take config.json and tokenizer from the same model, or set ${key} to the id that it was trained ` +
        'with in both.',
    })
  }
}

/**
 * Returns an opened backbone as an experiment uses it: with its whole vocabulary, or only the tokenizer's; an encoder
 * with the head that the task needs, if its labels are known.
 * @throws UserError where the decoder starts with a token beyond the tokenizer's vocabulary, or the encoder has no
 *   positions for such long sources.
 */
export function backboneFor(
  files: Backbone,
  tokenizer: Tokenizer,
  { backbone, task, training }: Pick<Experiment, 'backbone' | 'task' | 'training'>,
): OpenedBackbone {
  const whole = headedFor(files.config, task)
  const config = backbone.trim_vocabulary ? { ...whole, vocabulary: tokenizer.vocabularySize } : whole
  checkLength(config, training.source_length)
  const { vocabulary, padId } = config
  const starts = 'decoderStartId' in config ? [config.decoderStartId] : []
  const beyond = [...starts, padId].find((id) => id >= vocabulary)
  if (beyond !== undefined) {
    throw new UserError({
      at: 'backbone.trim_vocabulary',
      problem: `leaves ${vocabulary} tokens; the backbone pads or starts with token ${beyond}.`,
      remedy: 'Leave it out.',
    })
  }
  return { files, config, tokenizer: { ...tokenizer, verbatim: isEncoder(config) }, parameters: parameterCount(config) }
}

/** @throws UserError */
function checkLength(config: BackboneConfig, length: number): void {
  const longest = longestRow(config)
  if (longest === undefined || length <= longest) return
  throw new UserError({
    at: 'training.source_length',
    problem: `is ${length}; the backbone has positions for ${longest} tokens.`,
    remedy: `Set it to ${longest} or less.`,
  })
}

/** Puts the backbone on the device, together with the method that the experiment trains. */
export function prepareModel(experiment: Experiment, { files, config }: OpenedBackbone, progress: Progress): Model {
  progress.phase('Weights onto the device')
  return loadModel(config, experiment.method, files.read, experiment.training.seed)
}

/**
 * Returns the lengths that batches are padded to, and the remaining padding. Only a replayed shape has a cost, so eager
 * training pads only to the next multiple of 8.
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
  mode: Mode,
): { ladder: Ladder | undefined; padding: Padding } {
  const lengths = { source: train.lengths, target: train.targetLengths }
  const ladder = mode === 'replay' ? ladderOf(lengths, plan, rowsAStep(experiment.training), steps) : undefined
  return { ladder, padding: paddingOf(ladder, lengths, plan, steps) }
}
