import type { Tokenizer } from '../backbone/files/tokenizer.js'
import type { Precision, Scoring } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { type Progress, silent } from '../base/progress.js'
import { fromRankZero, rankZeroFirst } from '../engine/cluster/agree.js'
import { alone, type Ranks } from '../engine/cluster/ranks.js'
import { checkTogether } from '../engine/cluster/together.js'
import { type DeviceOptions, startDevice } from '../engine/device/device.js'
import { trainedTexts } from '../engine/evaluate/evaluated_labels.js'
import { checkRankable, checkSearched, rankingOf } from '../engine/evaluate/scoring.js'
import { type Prediction, predict } from '../engine/model/decoder.js'
import type { LoadedRun } from '../engine/model/held_runs.js'
import { type OneBackbone, openOneBackbone, type Storage } from '../engine/model/one_backbone.js'
import { classesOf } from '../engine/prepare/head.js'
import type { OpenedBackbone } from '../engine/prepare/prepare.js'
import { readingOf } from '../engine/prepare/reading.js'
import type { WhenChanged } from '../run/made_with.js'
import type { Device } from '../run/manifest.js'
import type { TrainedRun } from '../run/trained_run.js'
import { isEncoded } from '../task/encoded.js'
import { type LabelNames, writtenNames } from '../task/labels/label_names.js'
import { namesLabels, writtenLabels } from '../task/labels/labels.js'
import { choicesProblem } from '../task/labels/targets.js'
import { type Written, written } from '../task/labels/written_form.js'
import type { TaskOptions } from '../task/options.js'
import { toldAtItsKey } from '../task/rows/misfit.js'
import { inMemory } from '../task/tokens/batches.js'
import { addCut, type CutTally, cutTally } from '../task/tokens/cut.js'
import type { Answer } from './output.js'
import type { Question } from './question.js'

export interface PredictorOptions extends DeviceOptions {
  scoring: Scoring
  /** Beams of a search; 1 or undefined for greedy decoding. */
  beams?: number | undefined
  /** Of products of matrices; by default float32. */
  precision?: Precision | undefined
  /** Rows at once; by default each run's number for evaluation. */
  batchSize?: number | undefined
  /** Tokens of an output, including </s>; by default what each run's task needs. */
  maxLength?: number | undefined
  /** Continue with another backbone or other training rows than the runs'. */
  allowChanged?: boolean | undefined
  progress: Progress
  /** The ranks that share the rows; each opens the runs. */
  ranks?: Ranks
}

/** Runs of one backbone, all on the device. */
export interface Predictor {
  storage: Storage
  /**
   * Returns why one of the runs can't answer a question, by the question's index: it has choices that are the same to
   * the tokenizer.
   */
  problems(run: number, questions: Question[]): Promise<(string | undefined)[]>
  /** Returns the answers of one of the runs, in the questions' order. */
  answer(run: number, questions: Question[]): Promise<Answer[]>
  /** On every rank but 0: shares whatever rank 0 answers, until that finishes. */
  follow(): Promise<void>
  /** On rank 0: there are no more questions. */
  finish(): Promise<void>
  /** Returns a line for each run that cut sources so far. */
  cutLines(): string[]
  close(): Promise<void>
}

/** What rank 0 sends to the others: questions to one of the runs; undefined where there are no more. */
type Asked = { place: number; questions: Question[] } | undefined

type InForce = PredictorOptions & { ranks: Ranks; device: Device }

/** The output length of tasks that do not state theirs. A row ends at </s> anyway. */
const LONGEST = {
  regression: 16,
  text: 128,
  multiple_choice: 128,
  classification: 128,
  token_classification: 1,
} as const

/**
 * Opens runs for prediction.
 * @throws UserError where the runs have different backbones, or there is nothing to rank.
 */
export async function openPredictor(runs: TrainedRun[], options: PredictorOptions): Promise<Predictor> {
  const { scoring, beams = 1, precision, allowChanged = false, progress, ranks = alone } = options
  for (const run of runs) checkSearched(run, { scoring, beams, precision })
  const when = { allowChanged, warn: progress.warn }
  const texts = await inTurn(runs, (run) => labelTextsOf(run, scoring, when))
  const backbone = await rankZeroFirst(ranks, () =>
    openOneBackbone(runs, progress, { allowChanged, eager: beams > 1, precision }),
  )
  try {
    const { tokenizer } = backbone.backboneOf(runs[0]!)
    const labels = await inTurn(runs, (run, i) => labelsOf(run, texts[i], tokenizer, scoring))
    const device = await startDevice(options)
    for (const note of device.notes) progress.warn(note)
    progress.phase(`Weights onto ${device.description}`)
    return await predictorOf(runs, labels, backbone, { ...options, ranks, device })
  } catch (error) {
    backbone.close()
    throw error
  }
}

/** Reads labels from training rows, which only ranking needs, and only where the task does not name its labels. */
async function labelTextsOf(run: TrainedRun, scoring: Scoring, when: WhenChanged): Promise<string[] | undefined> {
  const { task } = run.experiment
  if (scoring === 'rank') checkRankable(task)
  if (task.kind !== 'classification' || (scoring === 'generate' && !namesLabels(task))) return undefined
  return trainedTexts(run, task, ['train'], when)
}

async function labelsOf(
  { experiment: { task, training }, locate }: TrainedRun,
  texts: string[] | undefined,
  tokenizer: Tokenizer,
  scoring: Scoring,
): Promise<Written[] | undefined> {
  if (task.kind !== 'classification' || !texts) return undefined
  const told = { ...rankingOf(task, scoring), targetLength: training.target_length }
  return toldAtItsKey(locate, () => writtenLabels(task, texts, tokenizer, told))
}

/** A run on the device, and what answering for it needs. */
interface Answering {
  run: TrainedRun
  loaded: LoadedRun
  /** As outputs are compared with them; undefined where they are not known. */
  labels: Written[] | undefined
  names: LabelNames | undefined
  /** Tokens of an output at most. */
  maxLength: number
  /** Sources so far that were too long. */
  tally: CutTally
}

async function predictorOf(
  runs: TrainedRun[],
  labels: (Written[] | undefined)[],
  backbone: OneBackbone,
  options: InForce,
): Promise<Predictor> {
  const { ranks, scoring } = options
  const { tokenizer } = backbone.backboneOf(runs[0]!)
  const answering = await answeringOf(runs, labels, backbone, options)
  const answered = ({ place, questions }: NonNullable<Asked>) =>
    answersOf(answering[place]!, questions, backbone.backboneOf(answering[place]!.run), options)
  return {
    storage: backbone.storage,
    async problems(place, questions) {
      const choices = isMultipleChoice(runs[place]!) && scoring === 'rank'
      return inTurn(questions, async (question) =>
        choices ? choicesProblem(await written(question.choices!, tokenizer), { scoring }) : undefined,
      )
    },
    async answer(place, questions) {
      const asked = { place, questions }
      await fromRankZero<Asked>(ranks, () => asked)
      return answered(asked)
    },
    async follow() {
      for (;;) {
        const asked = await fromRankZero<Asked>(ranks, () => undefined)
        if (!asked) return
        await answered(asked)
      }
    },
    finish: async () => void (await fromRankZero<Asked>(ranks, () => undefined)),
    cutLines: () =>
      answering.flatMap(({ run: { folder }, tally }) => {
        const line = tally.line('sources', "the run's training.source_length")
        return line === undefined ? [] : [`${folder}: ${line}`]
      }),
    async close() {
      for (const { loaded } of answering) await loaded.dispose()
      backbone.close()
    },
  }
}

async function answeringOf(
  runs: TrainedRun[],
  labels: (Written[] | undefined)[],
  backbone: OneBackbone,
  { maxLength, ranks, device }: InForce,
): Promise<Answering[]> {
  const { tokenizer } = backbone.backboneOf(runs[0]!)
  const lengths = await inTurn(runs, async (run, i) => maxLength ?? (await outputLength(run, labels[i], tokenizer)))
  const names = await inTurn(runs, ({ experiment: { task } }) => labelNamesOf(task, tokenizer))
  const loaded = await inTurn(runs, (run) => backbone.load(run, device))
  for (const [i, run] of runs.entries()) {
    const { experiment } = run
    const { trained } = loaded[i]!
    await checkTogether(ranks, { experiment, backbone: backbone.backboneOf(run), splits: [], device, trained })
  }
  return runs.map((run, i) => ({
    ...{ run, loaded: loaded[i]!, labels: labels[i], names: names[i], maxLength: lengths[i]! },
    tally: cutTally(run.experiment.training.source_length),
  }))
}

async function answersOf(
  { run, loaded, labels, names, maxLength, tally }: Answering,
  questions: Question[],
  backbone: OpenedBackbone,
  { scoring, beams, batchSize, ranks }: InForce,
): Promise<Answer[]> {
  const { tokenizer } = backbone
  const { task, training } = run.experiment
  const { reader } = readingOf(run.experiment, backbone, classesOf(task))
  const tokens = await reader.read(questions.map((question) => ({ ...question, target: '' })))
  addCut(tally, training.source_length, tokens, reader.objective)
  const rows = { tokens: inMemory(tokens, reader.objective), lengths: tokens.source.map((ids) => ids.length) }
  const candidates = isEncoded(task)
    ? headCandidates(task, questions)
    : scoring === 'rank'
      ? await candidatesOf(run, labels, questions, tokenizer)
      : undefined
  const decoder = await loaded.decoder()
  try {
    const predictions = await predict(decoder, rows, {
      tokenizer,
      batchSize: batchSize ?? training.evaluation_batch_size,
      maxLength,
      name: task.name,
      place: (row) => `${run.folder}, line ${questions[row]!.line} of the input`,
      progress: silent,
      ranks,
      beams,
      ...(candidates && { candidates }),
    })
    return named(predictions, names).map((answer, i) => ({ ...answer, ...wordsOf(questions[i]!) }))
  } finally {
    await decoder.dispose()
  }
}

const isMultipleChoice = ({ experiment: { task } }: TrainedRun) => task.kind === 'multiple_choice'

const wordsOf = ({ words }: Question) => words && { words }

/** What a head chooses from: labels, tags, or the choices of each row; nothing for a number. */
function headCandidates(task: TaskOptions, questions: Question[]): string[] | string[][] | undefined {
  if (task.kind === 'regression') return undefined
  return task.kind === 'multiple_choice' ? questions.map(({ choices }) => choices!) : classesOf(task)
}

/** What outputs are ranked from: the labels, or the choices of each row. */
async function candidatesOf(
  run: TrainedRun,
  labels: Written[] | undefined,
  questions: Question[],
  tokenizer: Tokenizer,
): Promise<string[] | string[][]> {
  if (!isMultipleChoice(run)) return labels!.map(({ form }) => form)
  const choices = await inTurn(questions, ({ choices }) => written(choices!, tokenizer))
  return choices.map((row) => row.map(({ form }) => form))
}

/** Undefined where the task does not name labels. */
const labelNamesOf = async (task: TaskOptions, tokenizer: Tokenizer): Promise<LabelNames | undefined> =>
  task.kind === 'classification' && task.label_names ? writtenNames(task, tokenizer) : undefined

const named = (predictions: Prediction[], names: LabelNames | undefined): Answer[] =>
  names ? predictions.map((each) => ({ ...each, labelName: names.get(each.text.trim()) ?? null })) : predictions

/** Returns the number of tokens of the run's longest target, if it is known: `eval` cuts outputs there too. */
async function outputLength(run: TrainedRun, labels: Written[] | undefined, tokenizer: Tokenizer): Promise<number> {
  const { task, training } = run.experiment
  if (training.target_length !== undefined) return training.target_length
  if (task.kind !== 'classification') return LONGEST[task.kind]
  try {
    const known = labels ?? (await written(await trainedTexts(run, task, ['train'], refusing), tokenizer))
    return Math.max(...known.map(({ ids }) => ids.length))
  } catch (error) {
    // no training rows here to read the labels from, or others
    if (error instanceof UserError) return LONGEST.classification
    throw error
  }
}

const refusing: WhenChanged = { allowChanged: false, warn() {} }

async function inTurn<T, R>(items: T[], of: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const [i, item] of items.entries()) results.push(await of(item, i))
  return results
}
