import type { KeyValue, Memory } from '../../backbone/encoder_decoder.js'
import { decode, head } from '../../backbone/forward.js'
import type { Pass } from '../../backbone/pass.js'
import tf from '../../tensor/tf.cjs'
import { remembered, type Sources } from './generate.js'

/** Tokens so far, and the natural logarithm of their probability. */
interface Beam {
  ids: number[]
  score: number
}

/** One source's search. */
interface Search {
  running: Beam[]
  /** Ended outputs, </s> left out, the best first; a score is a mean a token, </s> included. At most one a beam. */
  ended: Beam[]
  /** Whether no running beam is taken to improve on the ended ones. */
  done: boolean
}

/** A running beam with one more token. */
interface Candidate extends Beam {
  /** Place of the beam among its source's. */
  from: number
  ends: boolean
}

/** Of beams that are none: a search starts with one. */
const NEVER = -1e9

/**
 * Beam search as `generate(num_beams=…)` of transformers has it by default (length_penalty 1, early_stopping false): up to
 * `maxLength` token ids a row, ended by </s>, which is left out. Of ended outputs the one with the highest mean
 * log-probability a token is taken; a search is over when its best running beam has no higher mean than its worst ended
 * output, with as many of these as beams. Rows do not change each other. Keys and values are held once a beam.
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

/** Each row's 2·beams likeliest continuations: log-probabilities and places in [beams·vocabulary], [size, 2·beams]. */
function likeliest(pass: Pass, searches: Search[], memory: Memory, past: KeyValue[] | undefined) {
  const running = searches.flatMap(({ running }) => running)
  const beams = running.length / searches.length
  const last = running.map(({ ids }) => ids.at(-1) ?? pass.config.decoderStartId)
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
  { config: { vocabulary, eosId } }: Pass,
  { running }: Search,
  [scores, places]: [Float32Array, Int32Array],
  last: boolean,
): Candidate[] {
  return Array.from(places, (place, i) => {
    const [from, id] = [Math.floor(place / vocabulary), place % vocabulary]
    const ids = running[from]!.ids
    return { ids: id === eosId ? ids : [...ids, id], score: scores[i]!, from, ends: last || id === eosId }
  })
}

/** Takes a step of a search; gives the beam that each running one goes on from. Of the candidates, only the first half may end. */
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

/** Rows of keys and values, by place, any number of times each. */
function rowsOf(layers: KeyValue[], places: number[]): KeyValue[] {
  const indices = tf.tensor1d(places, 'int32')
  return layers.map(({ keys, values }) => ({ keys: tf.gather(keys, indices), values: tf.gather(values, indices) }))
}
