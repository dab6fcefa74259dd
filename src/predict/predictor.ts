import type { T5Tokenizer } from '../backbone/tokenizer.js'
import { type DeviceOptions, startDevice } from '../engine/device.js'
import type { Scoring } from '../engine/evaluate.js'
import { rankedLabels } from '../engine/evaluate_run.js'
import { type LoadedRun, type OneBackbone, openOneBackbone, type Storage } from '../engine/one_backbone.js'
import { eagerDecoder, type Prediction, predict } from '../engine/predict.js'
import { UserError } from '../error.js'
import type { TrainedRun } from '../export/trained_run.js'
import { type Progress, silent } from '../progress.js'
import type { WhenChanged } from '../run/made_with.js'
import { inMemory } from '../task/batches.js'
import { cutTally } from '../task/cut.js'
import { tokenise } from '../task/tokenise.js'
import type { Question } from './question.js'

export interface PredictorOptions extends DeviceOptions {
  scoring: Scoring
  /** Rows at once; each run's own for evaluation unless told. */
  batchSize?: number | undefined
  /** Tokens of an output, </s> included; what each run's task needs unless told. */
  maxLength?: number | undefined
  /** Go on with another backbone or other training rows than the runs'. */
  allowChanged?: boolean | undefined
  progress: Progress
}

/** Runs of one backbone, all on the device. */
export interface Predictor {
  storage: Storage
  /** What one of the runs, by its place, answers; in the questions' order. */
  answer(run: number, questions: Question[]): Promise<Prediction[]>
  /** What was lost of the sources so far: a line for each run that cut some. */
  cutLines(): string[]
  close(): void
}

/** Outputs of tasks that do not tell how long theirs are. A row ends at </s> anyway. */
const LONGEST = { regression: 16, text: 128, multiple_choice: 128, classification: 128 } as const

/** @throws UserError where the runs are of different backbones, or there is nothing to rank. */
export async function openPredictor(runs: TrainedRun[], options: PredictorOptions): Promise<Predictor> {
  const { scoring, allowChanged = false, progress } = options
  const when = { allowChanged, warn: progress.warn }
  const labels = scoring === 'rank' ? await inTurn(runs, (run) => rankedLabels(run, when)) : undefined
  const backbone = await openOneBackbone(runs, progress, allowChanged)
  try {
    const device = await startDevice(options)
    for (const note of device.notes) progress.warn(note)
    progress.phase(`Weights onto ${device.description}`)
    return await predictorOf(runs, labels, backbone, options)
  } catch (error) {
    backbone.close()
    throw error
  }
}

async function predictorOf(
  runs: TrainedRun[],
  labels: string[][] | undefined,
  backbone: OneBackbone,
  { batchSize, maxLength }: PredictorOptions,
): Promise<Predictor> {
  const { tokenizer } = backbone.backboneOf(runs[0]!)
  const lengths = await inTurn(runs, async (run) => (labels ? 0 : (maxLength ?? (await outputLength(run, tokenizer)))))
  const loaded: LoadedRun[] = runs.map((run) => backbone.load(run))
  const tallies = runs.map(({ experiment }) => cutTally(experiment.training.source_length))
  return {
    storage: backbone.storage,
    async answer(place, questions) {
      const { model, vector } = loaded[place]!
      const { task, training } = runs[place]!.experiment
      const pairs = questions.map(({ source }) => ({ source, target: '' }))
      const tokens = await tokenise(pairs, tokenizer, { source: training.source_length, target: 1 })
      tallies[place]!.add(tokens.whole.source)
      const rows = { tokens: inMemory(tokens), lengths: tokens.source.map((ids) => ids.length) }
      const own = task.kind === 'multiple_choice' ? questions.map(({ choices }) => choices!) : labels?.[place]
      const decoder = eagerDecoder(model, vector)
      try {
        return await predict(decoder, rows, {
          tokenizer,
          batchSize: batchSize ?? training.evaluation_batch_size,
          maxLength: lengths[place]!,
          name: task.name,
          progress: silent,
          ...(labels && own && { candidates: own }),
        })
      } finally {
        decoder.dispose()
      }
    },
    cutLines: () =>
      runs.flatMap(({ folder }, i) => {
        const line = tallies[i]!.line('sources', "the run's training.source_length")
        return line === undefined ? [] : [`${folder}: ${line}`]
      }),
    close() {
      for (const run of loaded) run.dispose()
      backbone.close()
    },
  }
}

/** Tokens of the run's longest target, as far as it tells: `eval` cuts outputs there too. */
async function outputLength(run: TrainedRun, tokenizer: T5Tokenizer): Promise<number> {
  const { task, training } = run.experiment
  if (training.target_length !== undefined) return training.target_length
  if (task.kind !== 'classification') return LONGEST[task.kind]
  try {
    const labels = await tokenizer.encode(await rankedLabels(run, refusing), Number.MAX_SAFE_INTEGER)
    return Math.max(...labels.map((ids) => ids.length))
  } catch (error) {
    if (error instanceof UserError) return LONGEST.classification // no training rows here to read the labels from, or others
    throw error
  }
}

const refusing: WhenChanged = { allowChanged: false, warn() {} }

async function inTurn<T, R>(items: T[], of: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await of(item))
  return results
}
