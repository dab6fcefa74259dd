import type { KeyValue } from '../backbone/attention.js'
import type { Pass } from '../backbone/pass.js'
import { decode, encode, head, type Memory, remember } from '../backbone/t5.js'
import type { Batch } from '../task/batches.js'
import tf from '../tf.cjs'

/**
 * Greedy decoding with cached keys and values: up to `maxLength` token ids a row, ended by </s>, which is left out.
 * A row that has ended is decoded on with padding until all have.
 */
export async function generate(pass: Pass, batch: Batch, maxLength: number): Promise<number[][]> {
  const { eosId, padId, decoderStartId } = pass.config
  const outputs: number[][] = Array.from({ length: batch.size }, () => [])
  const ended = new Uint8Array(batch.size)
  let next: Int32Array = new Int32Array(batch.size).fill(decoderStartId)
  const memory = tf.tidy(() => {
    const source = tf.tensor2d(batch.sourceIds, [batch.size, batch.sourceLength], 'int32')
    return remember(pass, encode(pass, source))
  })
  let past: KeyValue[] | undefined
  for (let step = 0; step < maxLength && ended.includes(0); step++) {
    const { chosen, present } = tf.tidy(() => nextToken(pass, next, memory, past))
    tf.dispose(past)
    past = present
    next = (await chosen.data()) as Int32Array
    chosen.dispose()
    for (const [row, id] of next.entries()) {
      if (ended[row]) next[row] = padId
      else if (id === eosId) ended[row] = 1
      else outputs[row]!.push(id)
    }
  }
  tf.dispose({ memory, past })
  return outputs
}

function nextToken(pass: Pass, previous: Int32Array, memory: Memory, past: KeyValue[] | undefined) {
  const ids = tf.tensor2d(previous, [previous.length, 1], 'int32')
  const decoded = decode(pass, ids, memory, past)
  return { chosen: tf.argMax(head(pass, decoded.hidden), 1), present: decoded.past }
}
