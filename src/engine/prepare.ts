import { parameterCount, type T5Config } from '../backbone/config.js'
import { locateBackbone } from '../backbone/locate.js'
import { loadTokenizer, type T5Tokenizer } from '../backbone/tokenizer.js'
import { type Backbone, openBackbone } from '../backbone/weights.js'
import { UserError } from '../error.js'
import type { Experiment } from '../experiment/schema.js'
import type { Progress } from '../progress.js'
import type { Tokenised } from '../task/batches.js'
import { type Example, readExamples, type Split } from '../task/rows.js'
import { tokenise } from '../task/tokenise.js'
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
    onProgress: ({ file, bytes, totalBytes }) =>
      progress.update(`downloading ${file}: ${megabytes(bytes)} of ${megabytes(totalBytes)}`),
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
  const config = trim_vocabulary ? { ...files.config, vocabulary: vocabularySize } : files.config
  return { files, config, tokenizer, parameters: parameterCount(config) }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

/** One split, as text and as token ids. */
export interface PreparedSplit {
  name: Split
  examples: Example[]
  tokens: Tokenised
  /** Tokens of every source. */
  lengths: Int32Array
}

/** Reads and tokenises a split. Targets are cut only where the experiment gives their length. */
export async function prepareSplit(
  { task, training }: Experiment,
  name: Split,
  tokenizer: T5Tokenizer,
): Promise<PreparedSplit> {
  const examples = readExamples(task, name)
  const limits = { source: training.source_length, target: training.target_length ?? Number.MAX_SAFE_INTEGER }
  const tokens = await tokenise(examples, tokenizer, limits)
  return { name, examples, tokens, lengths: Int32Array.from(tokens.source, (row) => row.length) }
}

/** Puts the backbone on the device, beside the method that the experiment trains. */
export function prepareModel(experiment: Experiment, { files, config }: OpenedBackbone, progress: Progress): Model {
  progress.phase('Weights onto the device')
  return loadModel(config, experiment.method, files.read, experiment.training.seed)
}

/** Tokens of the longest target, </s> included: what an output may have unless the experiment tells. */
export const longestTarget = ({ target }: Tokenised): number =>
  target.reduce((longest, row) => Math.max(longest, row.length), 1)
