import type { Memory } from '../../backbone/encoder_decoder.js'
import { decode, head } from '../../backbone/forward.js'
import type { Pass } from '../../backbone/pass.js'
import { type Seq2SeqConfig, withDecoder } from '../../backbone/registry.js'
import { logProbability } from '../../tensor/log_probability.js'
import tf from '../../tensor/tf.cjs'
import { remembered, type Sources } from './generate.js'

/**
 * The most that is computed at once: positions in the decoder (at least one candidate per row), rows of logits in the
 * head.
 */
export interface Limits {
  positions: number
  logits: number
}

/** As many positions as the encoder has just computed: if these fit into the memory, so do the decoder's. */
export const limitsOf = ({ size, lengths }: Sources): Limits => ({
  positions: Math.max(1024, size * lengths.source),
  logits: 512,
})

/** Candidates that go through the decoder together: equally many for every row, padded to one length. */
export interface Chunk {
  /** The decoder's input [size·candidates, length]. */
  ids: Int32Array
  shape: [number, number]
  /** Every token of every candidate. */
  tokens: Token[]
}

export interface Token {
  row: number
  candidate: number
  id: number
  /** The row of the decoder's output that it is predicted from. */
  position: number
}

/** How candidates go through a model; what is kept of the encoder and of a chunk is freed after use. */
export interface Ranking<Memory, Hidden> {
  config: Pick<Seq2SeqConfig, 'padId' | 'decoderStartId'>
  /** Runs the encoder; `again` says whether several chunks will read its output. */
  remember(again: boolean): Promise<Memory>
  /** Runs the decoder; `again` says whether several slices of tokens will read its output. */
  decode(memory: Memory, chunk: Chunk, again: boolean): Promise<Hidden>
  /** Returns the tokens' natural logarithms of their probabilities. */
  logProbabilities(hidden: Hidden, tokens: Token[]): Promise<ArrayLike<number>>
  free(kept: Memory | Hidden): void
}

/**
 * Returns the log-likelihood of every candidate of every row: the sum of its tokens' natural logarithms, including </s>
 * where it is the candidate's last token. `candidates[row]` are token ids; rows may share one list, or differ in number
 * and length. The encoder runs once per row. A row's candidates form one long query to its keys and values of the
 * cross-attention, so that neither is computed or copied for each candidate; the head computes no padding.
 */
export async function rankBy<Memory, Hidden>(
  ranking: Ranking<Memory, Hidden>,
  candidates: Int32Array[][],
  limits: Limits,
): Promise<number[][]> {
  const scores = candidates.map((row) => new Array<number>(row.length).fill(0))
  const all = [...chunks(ranking.config, candidates, limits.positions)]
  const memory = await ranking.remember(all.length > 1)
  try {
    for (const chunk of all) {
      const hidden = await ranking.decode(memory, chunk, chunk.tokens.length > limits.logits)
      try {
        for (let from = 0; from < chunk.tokens.length; from += limits.logits) {
          const tokens = chunk.tokens.slice(from, from + limits.logits)
          const gains = await ranking.logProbabilities(hidden, tokens)
          for (const [i, { row, candidate }] of tokens.entries()) scores[row]![candidate]! += gains[i]!
        }
      } finally {
        ranking.free(hidden)
      }
    }
  } finally {
    ranking.free(memory)
  }
  return scores
}

/** Ranks op by op; see `rankBy`. */
export const rank = (
  pass: Pass,
  sources: Sources,
  candidates: Int32Array[][],
  limits = limitsOf(sources),
): Promise<number[][]> =>
  rankBy<Memory, tf.Tensor2D>(
    {
      config: withDecoder(pass.config),
      remember: async () => remembered(pass, sources),
      decode: async (memory, { ids, shape }) =>
        tf.tidy(() => decode(pass, tf.tensor2d(ids, shape, 'int32'), memory).hidden),
      logProbabilities: (hidden, tokens) => logProbabilities(pass, hidden, tokens),
      free: (kept) => tf.dispose(kept),
    },
    candidates,
    limits,
  )

async function logProbabilities(pass: Pass, hidden: tf.Tensor2D, tokens: Token[]) {
  const positions = tokens.map(({ position }) => position)
  const ids = tokens.map(({ id }) => id)
  const values = tf.tidy(() => {
    const logits = head(pass, tf.gather(hidden, tf.tensor1d(positions, 'int32'))) // [tokens, vocabulary]
    return logProbability(logits, tf.tensor1d(ids, 'int32'))
  })
  const read = await values.data()
  values.dispose()
  return read
}

/**
 * Yields each row's candidates longest first, so that those of one chunk have similar lengths, cut where `positions`
 * are reached.
 */
function* chunks(
  config: Ranking<unknown, unknown>['config'],
  candidates: Int32Array[][],
  positions: number,
): Generator<Chunk> {
  const orders = candidates.map((row) => [...row.keys()].sort((a, b) => row[b]!.length - row[a]!.length))
  const most = Math.max(...candidates.map((row) => row.length))
  let from = 0
  while (from < most) {
    const length = Math.max(...candidates.map((row, i) => row[orders[i]![from] ?? -1]?.length ?? 0))
    const count = Math.max(1, Math.min(most - from, Math.floor(positions / (candidates.length * length))))
    const chosen = orders.map((order) => order.slice(from, from + count))
    yield chunkOf(config, candidates, chosen, count, length)
    from += count
  }
}

function chunkOf(
  { padId, decoderStartId }: Ranking<unknown, unknown>['config'],
  candidates: Int32Array[][],
  chosen: number[][],
  count: number,
  length: number,
): Chunk {
  const ids = new Int32Array(candidates.length * count * length).fill(padId)
  const tokens: Token[] = []
  for (const [row, places] of chosen.entries()) {
    for (const [column, candidate] of places.entries()) {
      const start = (row * count + column) * length
      const own = candidates[row]![candidate]!
      ids[start] = decoderStartId
      ids.set(own.subarray(0, -1), start + 1)
      for (const [i, id] of own.entries()) tokens.push({ row, candidate, id, position: start + i })
    }
  }
  return { ids, shape: [candidates.length * count, length], tokens }
}
