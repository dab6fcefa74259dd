import { hashSeed, randperm } from '../../base/numbers/random.js'
import type { InputName, Inputs, InputValues, LengthName, Objective, RowIds } from '../../objective/objective.js'
import { seq2seq } from '../../objective/seq2seq.js'
import { type Ladder, paddedLengths } from './lengths.js'
import type { TokenRows } from './tokenise.js'

/** Rows as an objective reads them, without padding. */
export interface Tokenised {
  objective: Objective
  source(row: number): Int32Array
  target(row: number): Int32Array
}

/** Returns rows that are in memory. */
export const inMemory = ({ source, target }: TokenRows, objective: Objective = seq2seq): Tokenised => ({
  objective,
  source: (row) => source[row]!,
  target: (row) => target[row]!,
})

/** A batch without its values. */
export interface BatchShape {
  objective: Objective
  /** Rows. */
  size: number
  lengths: Record<LengthName, number>
}

/** Rows of one step, padded as their objective pads them. */
export interface Batch extends BatchShape {
  /** Indices into the split. */
  rows: number[]
  /** Each [size, its length], row-major. */
  inputs: InputValues
}

/** The shape [size, length] of an input. */
export const shapeOf = ({ objective, size, lengths }: BatchShape, input: InputName): [number, number] => [
  size,
  lengths[objective.inputs[input]!],
]

/** What `make` makes of each input, by its name. */
export const mapInputs = <From, To>(
  inputs: Inputs<From>,
  make: (value: From, name: InputName) => To,
): Inputs<To> & Record<string, To> => {
  const named = Object.entries(inputs) as [InputName, From][]
  return Object.fromEntries(named.map(([name, value]) => [name, make(value, name)])) as never
}

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
export function padBatch(
  { objective, source, target }: Tokenised,
  rows: number[],
  padId: number,
  ladder?: Ladder,
): Batch {
  const ids = rows.map((row) => ({ source: source(row), target: target(row) }))
  const lengths = objective.lengths(ids, (source, target) => paddedLengths(rows.length, source, target, ladder))
  return { objective, rows, size: rows.length, lengths, inputs: objective.pad(ids, lengths, padId) }
}

/** Returns a batch of rows that all have the batch's lengths, so that nothing in it is padding. */
export function wholeBatch({ source, target }: RowIds, size: number): Batch {
  const ones = (ids: Int32Array) => new Int32Array(ids.length).fill(1)
  return {
    objective: seq2seq,
    rows: [],
    size,
    lengths: { source: source.length / size, target: target.length / size },
    inputs: { source, source_mask: ones(source), target, target_mask: ones(target) },
  }
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
