import type { RowIds } from '../../src/objective/objective.js'
import { type Batch, wholeBatch } from '../../src/task/tokens/batches.js'

/** A batch of ids in which every 0 is padding, as in what transformers pads. */
export function zeroPadded(ids: RowIds, size: number): Batch {
  const batch = wholeBatch(ids, size)
  const tokens = (ids: Int32Array) => ids.map((id) => Number(id !== 0))
  const masks = { source_mask: tokens(ids.source), target_mask: tokens(ids.target) }
  return { ...batch, inputs: { ...batch.inputs, ...masks } }
}
