import type { Encoded, KeyValue, Memory } from '../../backbone/encoder_decoder.js'
import { decode, encode, head, remember } from '../../backbone/forward.js'
import type { Pass } from '../../backbone/pass.js'
import { withDecoder } from '../../backbone/registry.js'
import type { Batch } from '../../task/tokens/batches.js'
import { logProbability } from '../../tensor/log_probability.js'
import tf from '../../tensor/tf.cjs'

/** The part of a batch that the encoder reads. */
export interface Sources {
  size: number
  lengths: Pick<Batch['lengths'], 'source'>
  inputs: Pick<Batch['inputs'], 'source' | 'source_mask'>
}

/**
 * Token ids per row, without </s>, and the natural logarithm of the probability of the row's tokens, including </s>.
 */
export interface Generated {
  outputs: number[][]
  logProbabilities: number[]
}

/**
 * Greedy decoding with cached keys and values: up to `maxLength` token ids per row, ended by </s>, which is left out. A
 * row that has ended is decoded further with padding until all have ended.
 */
export async function generate(pass: Pass, sources: Sources, maxLength: number): Promise<number[][]> {
  return (await decodeGreedily(pass, sources, maxLength, false)).outputs
}

/** As `generate`, with each row's log-probability; for a row cut off at `maxLength` it is that of its tokens so far. */
export const generateScored = (pass: Pass, sources: Sources, maxLength: number): Promise<Generated> =>
  decodeGreedily(pass, sources, maxLength, true)

/** Runs the encoder's part of decoding; the result is held until it is disposed. */
export const remembered = (pass: Pass, sources: Sources) => tf.tidy(() => remember(pass, encodeSources(pass, sources)))

/** Returns the encoder's output for a batch. */
export function encodeSources(pass: Pass, { size, lengths, inputs }: Sources): Encoded {
  const tensor = (values: Int32Array) => tf.tensor2d(values, [size, lengths.source], 'int32')
  return encode(pass, tensor(inputs.source), tensor(inputs.source_mask))
}

async function decodeGreedily(pass: Pass, sources: Sources, maxLength: number, scored: boolean): Promise<Generated> {
  const { eosId, padId, decoderStartId } = withDecoder(pass.config)
  const outputs: number[][] = Array.from({ length: sources.size }, () => [])
  const logProbabilities = new Array<number>(sources.size).fill(0)
  const ended = new Uint8Array(sources.size)
  let next: Int32Array = new Int32Array(sources.size).fill(decoderStartId)
  const memory = remembered(pass, sources)
  let past: KeyValue[] | undefined
  for (let step = 0; step < maxLength && ended.includes(0); step++) {
    const { chosen, gained, present } = tf.tidy(() => nextToken(pass, next, memory, past, scored))
    tf.dispose(past)
    past = present
    next = (await chosen.data()) as Int32Array
    const gains = await gained?.data()
    tf.dispose([chosen, gained])
    for (const [row, id] of next.entries()) {
      if (gains && !ended[row]) logProbabilities[row]! += gains[row]!
      if (ended[row]) next[row] = padId
      else if (id === eosId) ended[row] = 1
      else outputs[row]!.push(id)
    }
  }
  tf.dispose({ memory, past })
  return { outputs, logProbabilities }
}

function nextToken(pass: Pass, previous: Int32Array, memory: Memory, past: KeyValue[] | undefined, scored: boolean) {
  const ids = tf.tensor2d(previous, [previous.length, 1], 'int32')
  const decoded = decode(pass, ids, memory, past)
  const logits = head(pass, decoded.hidden)
  const chosen = tf.argMax(logits, 1) as tf.Tensor1D
  return { chosen, gained: scored ? logProbability(logits, chosen) : undefined, present: decoded.past }
}
