import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import type { RowLoss } from '../../objective/objective.js'
import {
  type Batch,
  type EvaluationBatch,
  evaluationBatches,
  padBatch,
  type Tokenised,
} from '../../task/tokens/batches.js'
import { OUTSIDE } from '../../task/words/tagged.js'
import tf from '../../tensor/tf.cjs'
import { alone, type Ranks } from '../cluster/ranks.js'
import { sharedBatches } from '../cluster/shared_batches.js'
import { generateByBeams } from './beams.js'
import { generate, type Sources } from './generate.js'
import { evaluationPass, type Model } from './model.js'
import { rank } from './rank.js'
import { batchLoss, tensorsOf } from './step.js'

/** The model's output for one row. */
export interface Prediction {
  text: string
  /** Log-likelihood of each candidate in nats, if candidates were ranked. */
  scores?: Record<string, number>
  /** Log-likelihood of each word's tag in nats, if the text is tags; null for a word that was not read. */
  wordScores?: (number | null)[]
  /** Its part of the mean loss, where a head answered and `losses` were asked for. */
  loss?: RowLoss
}

export interface PredictOptions {
  tokenizer: Tokenizer
  /** Rows at once. */
  batchSize: number
  /** The most tokens of an output, including </s>. */
  maxLength: number
  /** Texts to rank for every row, or each row's own; undefined for greedy decoding. */
  candidates?: string[] | string[][]
  /** Beams of a search; 1 or undefined for greedy decoding. */
  beams?: number | undefined
  /** Whether predictions have the row's loss where a head answers, which costs nothing more. */
  losses?: boolean
  /** The name for progress. */
  name: string
  /** Returns a row's name for errors. */
  place: (row: number) => string
  progress: Progress
  /** Called between batches; true ends the prediction with `Interrupted`. */
  interrupted?: (() => boolean) | undefined
  /** The ranks that share the rows; all of them call this. */
  ranks?: Ranks | undefined
}

/** Rows to predict: their tokens, and the sources' lengths. */
export interface Rows {
  tokens: Tokenised
  lengths: ArrayLike<number>
}

/** Decodes rows with its own trained values. */
export interface Decoder {
  /** The backbone's padding id. */
  padId: number
  /** Returns up to `maxLength` token ids per row, decoded greedily, ended by </s>, which is left out. */
  generate(sources: Sources, maxLength: number): Promise<number[][]>
  /** As `generate`, by beam search. */
  search?(sources: Sources, maxLength: number, beams: number): Promise<number[][]>
  /** Returns the log-likelihood of each candidate of each row. */
  rank?(sources: Sources, candidates: Int32Array[][]): Promise<number[][]>
  /** Returns what the head of an encoder says of each row; see Objective. */
  answers?(batch: Batch): Promise<number[][]>
  dispose(): void | Promise<void>
}

/** A decoder that also computes the loss. */
export interface LossDecoder extends Decoder {
  /**
   * Returns the mean cross-entropy of a batch over its target tokens, including </s>, in nats: the training loss
   * without dropout and label smoothing.
   */
  loss(batch: Batch): Promise<number>
}

/** Decodes op by op. The caller keeps the vector. */
export function eagerDecoder(model: Model, vector: tf.Tensor1D): LossDecoder {
  const { pass, dispose } = evaluationPass(model, vector)
  return {
    padId: model.config.padId,
    generate: (sources, maxLength) => generate(pass, sources, maxLength),
    search: (sources, maxLength, beams) => generateByBeams(pass, sources, maxLength, beams),
    rank: (sources, candidates) => rank(pass, sources, candidates),
    answers: (batch) => rowsOf(tf.tidy(() => batch.objective.answers!(pass, tensorsOf(batch)))),
    async loss(batch) {
      const loss = tf.tidy(() => batchLoss(pass, batch))
      const [value] = await loss.data()
      loss.dispose()
      return value!
    },
    dispose,
  }
}

/** Decodes every row greedily or ranks its candidates, long rows first; returns predictions in the rows' order. */
export async function predict(decoder: Decoder, rows: Rows, options: PredictOptions): Promise<Prediction[]> {
  const predictions = new Array<Prediction>(rows.lengths.length)
  for await (const batch of predicted(decoder, rows, options))
    for (const { row, ...prediction } of batch) predictions[row] = prediction
  return predictions
}

/**
 * As `predict`, but yields predictions batch by batch, each with its row's index. Ranks take a batch each and exchange
 * their results; batches do not depend on the number of ranks.
 */
export async function* predicted(
  decoder: Decoder,
  { tokens, lengths }: Rows,
  options: PredictOptions,
): AsyncGenerator<(Prediction & { row: number })[]> {
  const { batchSize: most, beams = 1, name, progress, interrupted = () => false, ranks = alone } = options
  const batchSize = Math.min(Math.max(1, Math.floor(most / beams)), lengths.length) // memory is by the beam
  const headed = tokens.objective.answers && decoder.answers
  const textsOf = (row: number) => ownTexts(options.candidates, row)
  const { places, lossOf } = tokens.objective
  const headAnswer = (scores: number[], row: number): Prediction => {
    const place = () => options.place(row)
    const said = places
      ? tagged(scores, textsOf(row)!, places(tokens.target(row)), place)
      : answer(scores, textsOf(row), place)
    return options.losses && lossOf ? { ...said, loss: lossOf(scores, tokens.target(row)) } : said
  }
  const candidates = headed
    ? undefined
    : options.candidates && (await encodedCandidates(options.candidates, options.tokenizer))
  const outputsOf = async ({ rows, real }: EvaluationBatch) => {
    const batch = padBatch(tokens, rows, decoder.padId)
    const outputs = headed
      ? (await headed(batch)).map((scores, i) => headAnswer(scores, rows[i]!))
      : candidates
        ? await rankedOutputs(decoder, batch, rows.map(candidates), (row) => options.place(rows[row]!))
        : (await decoded(decoder, batch, options)).map((ids) => ({ text: options.tokenizer.decode(ids) }))
    return rows.slice(0, real).map((row, place) => ({ row, ...outputs[place]! }))
  }
  const batches = evaluationBatches(lengths, batchSize)
  let done = 0
  for await (const outputs of sharedBatches(batches, { ranks, interrupted }, outputsOf)) {
    const round = outputs.flat()
    yield round
    done += round.length
    progress.update(`${name}: ${done} of ${lengths.length} rows`)
  }
}

function decoded(decoder: Decoder, batch: Sources, { maxLength, beams = 1 }: PredictOptions): Promise<number[][]> {
  if (beams === 1) return decoder.generate(batch, maxLength)
  if (!decoder.search) throw new Error('this decoder has no beam search')
  return decoder.search(batch, maxLength, beams)
}

async function rankedOutputs(
  decoder: Decoder,
  batch: Sources,
  candidates: Candidates[],
  place: (row: number) => string,
): Promise<Prediction[]> {
  if (!decoder.rank) throw new Error('this decoder ranks nothing')
  const ids = candidates.map(({ ids }) => ids)
  return (await decoder.rank(batch, ids)).map((scores, i) => ranked(candidates[i]!.texts, scores, () => place(i)))
}

/** The values of a tensor [rows, columns], which is freed, row by row. */
async function rowsOf(tensor: tf.Tensor2D): Promise<number[][]> {
  const [rows, columns] = tensor.shape
  const values = await tensor.data()
  tensor.dispose()
  return Array.from({ length: rows }, (_, row) => Array.from(values.slice(row * columns, (row + 1) * columns)))
}

const ownTexts = (candidates: PredictOptions['candidates'], row: number): string[] | undefined =>
  Array.isArray(candidates?.[0]) ? (candidates[row] as string[]) : (candidates as string[] | undefined)

/** What a head says of one row: the likeliest of the texts, or a number where there are none. */
function answer(scores: number[], texts: string[] | undefined, place: () => string): Prediction {
  if (texts) return ranked(texts, scores.slice(0, texts.length), place)
  const [number] = scores
  if (Number.isFinite(number)) return { text: String(number) }
  throw new UserError({
    at: place(),
    problem: `the output is ${number}: the model's numbers overflow on this row.`,
    remedy: "Look at the row; if every row does so, the run's weights are too large to be used.",
  })
}

/** The likeliest tag of each word, whose place is that of its log-likelihoods; O for a word that was not read. */
function tagged(scores: number[], tags: string[], places: number[], place: () => string): Prediction {
  const words = places.map((at) => {
    if (at < 0) return { text: OUTSIDE, score: null }
    const { text, scores: own } = ranked(tags, scores.slice(at * tags.length, (at + 1) * tags.length), place)
    return { text, score: own![text]! }
  })
  return { text: words.map(({ text }) => text).join(' '), wordScores: words.map(({ score }) => score) }
}

interface Candidates {
  texts: string[]
  ids: Int32Array[]
}

async function encodedCandidates(
  candidates: string[] | string[][],
  tokenizer: Tokenizer,
): Promise<(row: number) => Candidates> {
  const encode = async (texts: string[]) => ({ texts, ids: await tokenizer.encode(texts, Number.MAX_SAFE_INTEGER) })
  if (!Array.isArray(candidates[0])) {
    const all = await encode(candidates as string[])
    return () => all
  }
  const each = await Promise.all((candidates as string[][]).map(encode))
  return (row) => each[row]!
}

/**
 * Returns the most likely text; of equally likely ones the first.
 * @throws UserError at `place` for a score that is not a number: then no text is the most likely.
 */
function ranked(texts: string[], scores: number[], place: () => string): Prediction {
  const wrong = scores.findIndex((score) => !Number.isFinite(score))
  if (wrong !== -1) {
    throw new UserError({
      at: place(),
      problem:
        `the log-likelihood of ${JSON.stringify(texts[wrong])} is ${scores[wrong]}: the model's numbers ` +
        'overflow on this row.',
      remedy: "Look at the row; if every row does so, the run's weights are too large to be used.",
    })
  }
  const best = scores.indexOf(Math.max(...scores))
  return { text: texts[best]!, scores: Object.fromEntries(texts.map((text, i) => [text, scores[i]!])) }
}
