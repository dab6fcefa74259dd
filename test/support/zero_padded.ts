import type { Batch } from '../../src/task/tokens/batches.js'

/** A batch of ids that are padded with 0, which is no token in any of its rows. */
export function zeroPadded(ids: Pick<Batch, 'sourceIds' | 'targetIds'>, size: number): Batch {
  const { sourceIds, targetIds } = ids
  return {
    rows: [],
    sourceIds,
    sourceMask: sourceIds.map((id) => Number(id !== 0)),
    targetIds,
    targetMask: targetIds.map((id) => Number(id !== 0)),
    size,
    sourceLength: sourceIds.length / size,
    targetLength: targetIds.length / size,
  }
}
