import type { KeyValue, Memory } from '../../backbone/encoder_decoder.js'
import { decode, head } from '../../backbone/forward.js'
import type { Pass } from '../../backbone/pass.js'
import { withDecoder } from '../../backbone/registry.js'
import tf from '../../tensor/tf.cjs'
import { remembered, type Sources } from './generate.js'

/** The tokens so far, and the natural logarithm of their probability. */
interface Beam {
  ids: number[]
  score: number
}

/** The search for one source. */
interface Search {
  running: Beam[]
  /** Ended outputs without </s>, best first, at most one per beam; a score is a mean per token, including </s>. */
  ended: Beam[]
  /** Whether no running beam is expected to beat the ended ones. */
  done: boolean
}

/** A running beam with one more token. */
interface Candidate extends Beam {
  /** Index of the beam among its source's. */
  from: number
  ends: boolean
}

/** The score of beams that do not exist yet: a search starts with one. */
const NEVER = -1e9

/**
 * Beam search as `generate(num_beams=…)` of transformers does it by default (length_penalty 1, early_stopping false):
 * up to `maxLength` token ids per row, ended by </s>, which is left out. Of the ended outputs the one with the highest
 * mean log-probability per token is returned. A search is over when its best running beam has no higher mean than its
 * worst ended output, with as many of these as beams. Rows do not influence each other. Keys and values are held once
 * per beam.
 */
export async function generateByBeams(
  pass: Pass,
  sources: Sources,
  maxLength: number,
  beams: number,
): Promise<number[][]> {
  const { size } = sources
  const searches = Array.from({ length: size }, (): Search => {
    const running = Array.from({ length: beams }, (_, i) => ({ ids: [], score: i === 0 ? 0 : NEVER }))
    return { running, ended: [], done: false }
  })
  const first = remembered(pass, sources)
  const rows = Array.from({ length: size * beams }, (_, i) => Math.floor(i / beams))
  const memory = tf.tidy(() => ({
    layers: rowsOf(first.layers, rows),
    mask: tf.gather(first.mask, tf.tensor1d(rows, 'int32')),
  }))
  tf.dispose(first)
  let past: KeyValue[] | undefined
  for (let step = 0; step < maxLength && searches.some(({ done }) => !done); step++) {
    const { scores, places, present } = tf.tidy(() => likeliest(pass, searches, memory, past))
    tf.dispose(past)
    const [values, indices] = [await scores.data<'float32'>(), await places.data<'int32'>()]
    tf.dispose([scores, places])
    const from = searches.flatMap((search, row) => {
      const own = [values, indices].map((all) => all.subarray(row * 2 * beams, (row + 1) * 2 * beams))
      const candidates = candidatesOf(pass, search, own as [Float32Array, Int32Array], step + 1 === maxLength)
      return advance(search, candidates, step + 1).map((beam) => row * beams + beam)
    })
    past = tf.tidy(() => rowsOf(present, from))
    tf.dispose(present)
  }
  tf.dispose({ memory, past })
  return searches.map(({ ended }) => ended[0]!.ids)
}

/**
 * Returns each row's 2·beams most likely continuations: log-probabilities and indices in [beams·vocabulary], [size,
 * 2·beams].
 */
function likeliest(pass: Pass, searches: Search[], memory: Memory, past: KeyValue[] | undefined) {
  const running = searches.flatMap(({ running }) => running)
  const beams = running.length / searches.length
  const last = running.map(({ ids }) => ids.at(-1) ?? withDecoder(pass.config).decoderStartId)
  const decoded = decode(pass, tf.tensor2d(last, [running.length, 1], 'int32'), memory, past)
  const logits = head(pass, decoded.hidden) // [size·beams, vocabulary]
  const own = tf.tensor2d(
    running.map(({ score }) => score),
    [running.length, 1],
  )
  const all = tf.add(tf.sub(logits, tf.logSumExp(logits, 1, true)), own)
  const { values, indices } = tf.topk(tf.reshape(all, [searches.length, -1]), 2 * beams)
  return { scores: values, places: indices, present: decoded.past }
}

function candidatesOf(
  { config }: Pass,
  { running }: Search,
  [scores, places]: [Float32Array, Int32Array],
  last: boolean,
): Candidate[] {
  const { vocabulary, eosId } = withDecoder(config)
  return Array.from(places, (place, i) => {
    const [from, id] = [Math.floor(place / vocabulary), place % vocabulary]
    const ids = running[from]!.ids
    return { ids: id === eosId ? ids : [...ids, id], score: scores[i]!, from, ends: last || id === eosId }
  })
}

/**
 * Takes a step of a search and returns the beam that each running one continues from. Only candidates in the first half
 * may end.
 */
function advance(search: Search, candidates: Candidate[], length: number): number[] {
  const beams = search.running.length
  const going = [...candidates.filter(({ ends }) => !ends), ...candidates.filter(({ ends }) => ends)].slice(0, beams)
  search.running = going.map(({ ids, score, ends }) => ({ ids, score: ends ? NEVER : score }))
  if (!search.done) {
    const ended = candidates.slice(0, beams).filter(({ ends }) => ends)
    search.ended = [...search.ended, ...ended.map(({ ids, score }) => ({ ids, score: score / length }))]
      .toSorted((a, b) => b.score - a.score)
      .slice(0, beams)
    const worst = search.ended.length < beams ? Number.NEGATIVE_INFINITY : search.ended.at(-1)!.score
    search.done = search.running[0]!.score / length <= worst
  }
  return going.map(({ from }) => from)
}

/** Returns rows of keys and values by index; an index may occur several times. */
function rowsOf(layers: KeyValue[], places: number[]): KeyValue[] {
  const indices = tf.tensor1d(places, 'int32')
  return layers.map(({ keys, values }) => ({ keys: tf.gather(keys, indices), values: tf.gather(values, indices) }))
}
