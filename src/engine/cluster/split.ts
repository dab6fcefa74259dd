import type { Batch } from '../../task/batches.js'

/** Rows of a larger batch, side by side. */
export interface Span {
  /** Rows of the whole batch. */
  of: number
  /** Its first row there. */
  from: number
  /** How many. */
  size: number
}

/** A part of a batch's rows, and how many target tokens it has. */
export interface Share {
  part: Span
  batch: Batch
  tokens: number
}

/** A batch's rows in order over so many workers, as evenly as can be; where rows are fewer, fewer shares. */
export function shares(batch: Batch, workers: number): Share[] {
  const count = Math.min(workers, batch.size)
  const start = (index: number) => Math.floor((index * batch.size) / count)
  return Array.from({ length: count }, (_, index) => share(batch, start(index), start(index + 1)))
}

function share(batch: Batch, from: number, to: number): Share {
  const { rows, sourceLength, targetLength } = batch
  const ofSource = (values: Int32Array) => values.slice(from * sourceLength, to * sourceLength)
  const ofTarget = (values: Int32Array) => values.slice(from * targetLength, to * targetLength)
  const targetMask = ofTarget(batch.targetMask)
  return {
    part: { of: batch.size, from, size: to - from },
    batch: {
      rows: rows.slice(from, to),
      sourceIds: ofSource(batch.sourceIds),
      sourceMask: ofSource(batch.sourceMask),
      targetIds: ofTarget(batch.targetIds),
      targetMask,
      size: to - from,
      sourceLength,
      targetLength,
    },
    tokens: targetMask.reduce((sum, token) => sum + token, 0),
  }
}

/** The sum of vectors, each by its weight, in double precision. */
export function weightedSum(vectors: Float32Array[], weights: number[]): Float32Array {
  const sum = new Float64Array(vectors[0]!.length)
  vectors.forEach((vector, which) => {
    const weight = weights[which]!
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + weight * vector[i]!
  })
  return Float32Array.from(sum)
}
