import type { Batch } from '../../task/tokens/batches.js'

/** Rows to take a gradient of: a batch, or some rows of one. */
export interface Share {
  batch: Batch
  /** Of rows of a larger batch, whose masks they take: the place of the first of them there. */
  first?: number
}

/** Mean loss a target token (nats) and its gradient [size], unclipped. */
export interface Gradient {
  loss: number
  values: Float32Array
}

/**
 * A batch's rows from `from` on, `size` of them, padded as the whole is. The share may be rows of a batch itself: a part of a
 * part takes the masks of the whole. `weight` is these rows' part of the share's target tokens.
 */
export function rowsOf({ batch, first = 0 }: Share, from: number, size: number): Required<Share> & { weight: number } {
  const { rows, sourceLength, targetLength, targetMask } = batch
  const cut = (values: Int32Array, length: number) => values.slice(from * length, (from + size) * length)
  const own = {
    rows: rows.slice(from, from + size),
    sourceIds: cut(batch.sourceIds, sourceLength),
    sourceMask: cut(batch.sourceMask, sourceLength),
    targetIds: cut(batch.targetIds, targetLength),
    targetMask: cut(targetMask, targetLength),
    size,
    sourceLength,
    targetLength,
  }
  const weight = tokens(own.targetMask) / tokens(targetMask)
  return { batch: own, first: first + from, weight }
}

const tokens = (mask: Int32Array): number => mask.reduce((sum, token) => sum + token, 0)
