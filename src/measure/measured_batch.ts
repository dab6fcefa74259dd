import { isEncoder, readsSegments } from '../backbone/registry.js'
import { objectiveOf } from '../objective/of_head.js'
import { type Batch, inMemory, padBatch, wholeBatch } from '../task/tokens/batches.js'
import type { Trial } from './trial.js'

/** Returns a batch of ids spread over the vocabulary, without padding and </s>. */
export function measuredBatch({
  config,
  batchSize,
  sourceLength,
  targetLength,
}: Pick<Trial, 'config' | 'batchSize' | 'sourceLength' | 'targetLength'>): Batch {
  const { vocabulary } = config
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % (vocabulary - 2)))
  if (isEncoder(config) && config.head) {
    const { objective, row } = objectiveOf(config.head, readsSegments(config))
    const rows = Array.from({ length: batchSize }, (_, i) => row(ids(sourceLength), i))
    const [source, target] = [rows.map(({ source }) => source), rows.map(({ target }) => target)]
    return padBatch(inMemory({ source, target }, objective), [...rows.keys()], config.padId)
  }
  return wholeBatch({ source: ids(batchSize * sourceLength), target: ids(batchSize * targetLength) }, batchSize)
}
