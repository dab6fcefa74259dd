import { hashSeed, randperm } from '../random.js'
import { type Ladder, paddedLengths } from './lengths.js'
import type { TokenRows } from './tokenise.js'

/** Token ids of a row, `</s>` last, without padding. */
export interface Tokenised {
  source(row: number): Int32Array
  target(row: number): Int32Array
}

/** Rows that are in memory. */
export const inMemory = ({ source, target }: TokenRows): Tokenised => ({
  source: (row) => source[row]!,
  target: (row) => target[row]!,
})

/** Rows side by side, right-padded with 0 (T5's `<pad>`). */
export interface Batch {
  /** Indices into the split. */
  rows: number[]
  /** [size, sourceLength], row-major. */
  sourceIds: Int32Array
  /** [size, targetLength], row-major. */
  targetIds: Int32Array
  size: number
  sourceLength: number
  targetLength: number
}

/** Batches of one training run: which rows step k learns from. */
export interface TrainingPlan {
  stepsPerEpoch: number
  /** The rows of a step counted from 0; a pure function of (lengths, batch size, seed, step). */
  batch(step: number): number[]
}

/** Rows to score together; those from `real` on are repeats that fill the batch. */
export interface EvaluationBatch {
  rows: number[]
  real: number
}

/** Batches whose rows are sorted together: enough that lengths in a batch are close, few enough that orders differ. */
const BATCHES_IN_A_WINDOW = 50

/**
 * Every row once an epoch, in a new order each epoch, rows of like length together. What the batches leave over
 * (fewer rows than `batchSize`) is the epoch's last, smaller batch: rows drawn at random, not the longest ones.
 */
export function trainingPlan(lengths: ArrayLike<number>, batchSize: number, seed: number): TrainingPlan {
  const stepsPerEpoch = Math.ceil(lengths.length / batchSize)
  let cached = { epoch: -1, batches: [] as number[][] }
  return {
    stepsPerEpoch,
    batch(step) {
      const epoch = Math.floor(step / stepsPerEpoch)
      if (cached.epoch !== epoch) cached = { epoch, batches: epochBatches(lengths, batchSize, seed, epoch) }
      return cached.batches[step - epoch * stepsPerEpoch]!
    },
  }
}

function epochBatches(lengths: ArrayLike<number>, batchSize: number, seed: number, epoch: number): number[][] {
  const order = randperm(lengths.length, hashSeed(seed, 'rows', epoch))
  const inFull = lengths.length - (lengths.length % batchSize)
  const batches: number[][] = []
  for (let start = 0; start < inFull; start += BATCHES_IN_A_WINDOW * batchSize) {
    const window = order.subarray(start, Math.min(start + BATCHES_IN_A_WINDOW * batchSize, inFull))
    batches.push(...cut(byLength(window, lengths), batchSize))
  }
  const shuffled = Array.from(randperm(batches.length, hashSeed(seed, 'batches', epoch)), (i) => batches[i]!)
  const rest = [...order.subarray(inFull)]
  return rest.length > 0 ? [...shuffled, rest] : shuffled
}

/**
 * Every row once, longest first, so that a batch too large for the memory fails at once. The last batch is filled with
 * repeats of its last row: all batches have one size, and none is dropped.
 */
export function evaluationBatches(lengths: ArrayLike<number>, batchSize: number): EvaluationBatch[] {
  const rows = Int32Array.from({ length: lengths.length }, (_, row) => row)
  return cut(byLength(rows, lengths).reverse(), batchSize).map((batch) => {
    const repeats = new Array<number>(batchSize - batch.length).fill(batch.at(-1)!)
    return { rows: [...batch, ...repeats], real: batch.length }
  })
}

/** Pads the rows to a common length: that of the longest, rounded up, or the ladder's next. */
export function padBatch(tokens: Tokenised, rows: number[], ladder?: Ladder): Batch {
  const sources = rows.map((row) => tokens.source(row))
  const targets = rows.map((row) => tokens.target(row))
  const padded = paddedLengths(rows.length, longest(sources), longest(targets), ladder)
  return {
    rows,
    sourceIds: pad(sources, padded.source),
    targetIds: pad(targets, padded.target),
    size: rows.length,
    sourceLength: padded.source,
    targetLength: padded.target,
  }
}

const longest = (rows: Int32Array[]): number => rows.reduce((most, row) => Math.max(most, row.length), 0)

function pad(rows: Int32Array[], length: number): Int32Array {
  const ids = new Int32Array(rows.length * length)
  for (const [i, row] of rows.entries()) ids.set(row, i * length)
  return ids
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
