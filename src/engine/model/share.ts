import type { InputValues, TargetValues } from '../../objective/objective.js'
import { type Batch, mapInputs } from '../../task/tokens/batches.js'

/** Rows to compute a gradient of: a batch, or some rows of one. */
export interface Share {
  batch: Batch
  /** Set for rows of a larger batch, whose masks they use: the index of the first of them there. */
  first?: number
}

/** The mean loss (nats) and its gradient [size], unclipped. */
export interface Gradient {
  loss: number
  values: Float32Array
}

/**
 * A batch's rows from `from` on, `size` of them, padded as the whole is. The share may be rows of a batch itself: a
 * part of a part takes the masks of the whole. `weight` is how much these rows count in the share's mean loss.
 */
export function rowsOf({ batch, first = 0 }: Share, from: number, size: number): Required<Share> & { weight: number } {
  const { objective } = batch
  const cut = (values: TargetValues) => {
    const length = values.length / batch.size
    return values.slice(from * length, (from + size) * length)
  }
  const inputs = mapInputs<TargetValues, TargetValues>(batch.inputs, cut) as InputValues
  const weight = objective.weight(inputs, batch.lengths) / objective.weight(batch.inputs, batch.lengths)
  return { batch: { ...batch, rows: batch.rows.slice(from, from + size), size, inputs }, first: first + from, weight }
}
