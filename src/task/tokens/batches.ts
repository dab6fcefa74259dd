import { hashSeed, randperm } from '../../base/numbers/random.js'
import { seq2seq } from '../../objective/seq2seq.js'
import { type Ladder, paddedLengths } from './lengths.js'
import type { TokenRows } from './tokenise.js'

/** Token ids of rows, `</s>` last, without padding. */
export interface Tokenised {
  source(row: number): Int32Array
  target(row: number): Int32Array
}

/** Returns rows that are in memory. */
export const inMemory = ({ source, target }: TokenRows): Tokenised => ({
  source: (row) => source[row]!,
  target: (row) => target[row]!,
})

/** The objective that batches are made for. */
type BatchObjective = typeof seq2seq
/** The names of a batch's inputs and of the lengths that they have. */
export type InputName = keyof BatchObjective['inputs']
export type LengthName = BatchObjective['inputs'][InputName]

/** A batch without its values. */
export interface BatchShape {
  objective: BatchObjective
  /** Rows. */
  size: number
  lengths: Record<LengthName, number>
}

/**
 * Rows of one step, padded on the right with the backbone's padding id. The masks say which ids are tokens: a text may
 * contain the padding id as a token like any other.
 */
export interface Batch extends BatchShape {
  /** Indices into the split. */
  rows: number[]
  /** Each [size, its length], row-major. */
  inputs: Record<InputName, Int32Array>
}

/** The shape [size, length] of an input. */
export const shapeOf = ({ objective, size, lengths }: BatchShape, input: InputName): [number, number] => [
  size,
  lengths[objective.inputs[input]],
]

/** What `make` makes of each input, by its name. */
export const mapInputs = <From, To>(
  inputs: Record<InputName, From>,
  make: (value: From, name: InputName) => To,
): Record<InputName, To> =>
  Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, make(value, name as InputName)])) as Record<
    InputName,
    To
  >

/** How a training's rows become batches: drawn at random, or rows of similar length together. */
export type RowOrder = 'random' | 'grouped_by_length'

/** The batches of one training run: which rows step k learns from. */
export interface TrainingPlan {
  stepsPerEpoch: number
  order: RowOrder
  /** Returns the rows of a step, counted from 0; a pure function of (lengths, batch size, seed, grouping, step). */
  batch(step: number): number[]
}

/** The line for the log where rows could not be grouped by length. */
export const tooFewToGroup = ({ stepsPerEpoch }: TrainingPlan) =>
  `Rows are not grouped by length: an epoch has ${stepsPerEpoch} steps, and grouping takes ${GROUPED_FROM}. ` +
  'Their order is random.'

/** Rows that are scored together; those from `real` on are repeats that fill the batch. */
export interface EvaluationBatch {
  rows: number[]
  real: number
}

/** The number of steps per epoch from which rows can be grouped by length. */
const GROUPED_FROM = 20

/**
 * The least number of windows per epoch whose rows are sorted together. With fewer, many rows meet in a batch again in
 * every epoch, and labels that depend on length are unevenly spread over batches.
 */
const WINDOWS = 10

/** The most batches per window: with more, lengths get hardly closer. */
const MOST_IN_A_WINDOW = 50

/**
 * Plans every row once per epoch, in a new random order each epoch. With `grouped_by_length`, rows are grouped by
 * length if an epoch has GROUPED_FROM steps. Rows that are left over (fewer than `batchSize`) form the epoch's last,
 * smaller batch; they are drawn at random in either case.
 */
export function trainingPlan(
  lengths: ArrayLike<number>,
  batchSize: number,
  seed: number,
  groupByLength = false,
): TrainingPlan {
  const stepsPerEpoch = Math.ceil(lengths.length / batchSize)
  const order = groupByLength && stepsPerEpoch >= GROUPED_FROM ? 'grouped_by_length' : 'random'
  const batchesOf = (epoch: number): number[][] => {
    const rows = randperm(lengths.length, hashSeed(seed, 'rows', epoch))
    if (order === 'random') return cut(rows, batchSize)
    const window = Math.min(MOST_IN_A_WINDOW, Math.floor(stepsPerEpoch / WINDOWS))
    return grouped(rows, lengths, batchSize, window, hashSeed(seed, 'batches', epoch))
  }
  let cached = { epoch: -1, batches: [] as number[][] }
  return {
    stepsPerEpoch,
    order,
    batch(step) {
      const epoch = Math.floor(step / stepsPerEpoch)
      if (cached.epoch !== epoch) cached = { epoch, batches: batchesOf(epoch) }
      return cached.batches[step - epoch * stepsPerEpoch]!
    },
  }
}

/**
 * Returns batches of rows that are sorted by length within windows of some batches; the batches are shuffled with
 * `seed`.
 */
function grouped(
  rows: Int32Array,
  lengths: ArrayLike<number>,
  batchSize: number,
  window: number,
  seed: number,
): number[][] {
  const inFull = rows.length - (rows.length % batchSize)
  const batches: number[][] = []
  for (let start = 0; start < inFull; start += window * batchSize) {
    const together = rows.subarray(start, Math.min(start + window * batchSize, inFull))
    batches.push(...cut(byLength(together, lengths), batchSize))
  }
  const shuffled = Array.from(randperm(batches.length, seed), (i) => batches[i]!)
  const rest = [...rows.subarray(inFull)]
  return rest.length > 0 ? [...shuffled, rest] : shuffled
}

/**
 * Returns every row once, longest first, so that a batch too large for the memory fails at once. The last batch is
 * filled with repeats of its last row: all batches have one size, and no row is dropped.
 */
export function evaluationBatches(lengths: ArrayLike<number>, batchSize: number): EvaluationBatch[] {
  const rows = Int32Array.from({ length: lengths.length }, (_, row) => row)
  return cut(byLength(rows, lengths).reverse(), batchSize).map((batch) => {
    const repeats = new Array<number>(batchSize - batch.length).fill(batch.at(-1)!)
    return { rows: [...batch, ...repeats], real: batch.length }
  })
}

/** Pads the rows with `padId` to a common length: that of the longest, rounded up, or the ladder's next. */
export function padBatch(tokens: Tokenised, rows: number[], padId: number, ladder?: Ladder): Batch {
  const sources = rows.map((row) => tokens.source(row))
  const targets = rows.map((row) => tokens.target(row))
  const padded = paddedLengths(rows.length, longest(sources), longest(targets), ladder)
  return {
    objective: seq2seq,
    rows,
    size: rows.length,
    lengths: padded,
    inputs: {
      source: pad(sources, padded.source, padId),
      source_mask: mask(sources, padded.source),
      target: pad(targets, padded.target, padId),
      target_mask: mask(targets, padded.target),
    },
  }
}

/** Returns a batch of rows that all have the batch's lengths, so that nothing in it is padding. */
export function wholeBatch({ source, target }: Pick<Batch['inputs'], 'source' | 'target'>, size: number): Batch {
  const ones = (ids: Int32Array) => new Int32Array(ids.length).fill(1)
  return {
    objective: seq2seq,
    rows: [],
    size,
    lengths: { source: source.length / size, target: target.length / size },
    inputs: { source, source_mask: ones(source), target, target_mask: ones(target) },
  }
}

const longest = (rows: Int32Array[]): number => rows.reduce((most, row) => Math.max(most, row.length), 0)

function pad(rows: Int32Array[], length: number, padId: number): Int32Array {
  const ids = new Int32Array(rows.length * length).fill(padId)
  for (const [i, row] of rows.entries()) ids.set(row, i * length)
  return ids
}

function mask(rows: Int32Array[], length: number): Int32Array {
  const ones = new Int32Array(rows.length * length)
  for (const [i, row] of rows.entries()) ones.fill(1, i * length, i * length + row.length)
  return ones
}

function byLength(rows: Int32Array, lengths: ArrayLike<number>): Int32Array {
  return rows.slice().sort((a, b) => lengths[a]! - lengths[b]!)
}

function cut(rows: Int32Array, batchSize: number): number[][] {
  const batches: number[][] = []
  for (let start = 0; start < rows.length; start += batchSize) {
    batches.push([...rows.subarray(start, start + batchSize)])
  }
  return batches
}
