import { withDecoder } from '../../backbone/registry.js'
import type { Precision } from '../../base/choices.js'
import type { Batch, BatchShape } from '../../task/tokens/batches.js'
import { batchFeeds } from '../capture/capture.js'
import type { LoadedGraphs } from '../capture/loaded_graphs.js'
import { captureAnswers } from '../capture/step.js'
import { decodedVariables, STATE } from '../capture/variables.js'
import { captureDecoding, captureRanking } from '../decoding/captured.js'
import { ATTENTION_MASK, MAX_LENGTH, OUTPUT_IDS, SOURCE_IDS } from '../decoding/decoding_graph.js'
import { outputsOf } from '../decoding/outputs.js'
import type { Session } from '../graph/session.js'
import type { Values } from '../graph/tensor.js'
import type { Sources } from '../model/generate.js'
import type { Blueprint, ReadTensor } from '../model/model.js'
import { type Limits, limitsOf, rankBy } from '../model/rank.js'
import { type MadeWeights, madeWeights } from './made_weights.js'
import { sessionRanking } from './session_ranking.js'
import { placeFrozen } from './session_weights.js'

const DECODING = 'decoding'
const RANKING = 'ranking'

export interface SessionDecoderOptions {
  graphs: LoadedGraphs
  read: ReadTensor
  /** In front of the names of the variables that belong to one run among several. */
  owner?: string
  /** What matrices are multiplied in; float32 by default. */
  precision?: Precision
}

/**
 * Decodes in a session that has a model's trained vector and constants, or with another `vector`. Between `ready` and
 * `done` the session also has the backbone's tensors that decoding reads.
 */
export class SessionDecoder {
  readonly #session: Session
  readonly #blueprint: Blueprint
  readonly #options: Required<SessionDecoderOptions>
  readonly #made: MadeWeights | undefined
  /** The variables that only decoding reads. */
  #placed: string[] = []

  constructor(session: Session, blueprint: Blueprint, options: SessionDecoderOptions) {
    this.#session = session
    this.#blueprint = blueprint
    this.#options = { owner: '', precision: 'float32', ...options }
    if (blueprint.method.weights === 'made') this.#made = madeWeights(session, blueprint, this.#options)
  }

  /** Puts the backbone's tensors in place that are not there: those that training rounds, or that a method makes. */
  async ready(vector?: Float32Array): Promise<void> {
    if (this.#made) return this.#made.make(vector)
    const variables = decodedVariables(this.#blueprint, this.#options.precision)
    const missing = variables.filter(({ name }) => !this.#session.has(name))
    await placeFrozen(this.#session, missing, this.#options.read)
    this.#placed.push(...missing.map(({ name }) => name))
  }

  /** Frees what `ready` has put in place. */
  async done(): Promise<void> {
    await this.#made?.drop()
    await this.#session.drop(this.#placed.splice(0))
  }

  /** Decodes greedily: up to `maxLength` token ids per row, ended by </s>, which is left out. */
  async generate(sources: Sources, maxLength: number, vector?: Float32Array): Promise<number[][]> {
    const graph = this.#graph(DECODING, captureDecoding)
    const feeds = {
      ...sourceFeeds(sources, vector),
      [MAX_LENGTH]: { shape: [], data: Int32Array.of(maxLength) },
    }
    const [ids] = await this.#options.graphs.with(graph, () =>
      this.#session.integers({
        feeds: Object.fromEntries(Object.entries(feeds).map(([name, values]) => [`${graph.prefix}/${name}`, values])),
        fetches: [`${graph.prefix}/${OUTPUT_IDS}`],
      }),
    )
    return outputsOf(ids!, sources.size, withDecoder(this.#blueprint.config).eosId)
  }

  /** Returns the log-likelihood of each candidate of each row; see `rankBy`. */
  rank(
    sources: Sources,
    candidates: Int32Array[][],
    { vector, limits = limitsOf(sources) }: { vector?: Float32Array | undefined; limits?: Limits } = {},
  ): Promise<number[][]> {
    const graph = this.#graph(RANKING, captureRanking)
    const config = withDecoder(this.#blueprint.config)
    return this.#options.graphs.with(graph, () =>
      rankBy(sessionRanking(this.#session, graph.prefix, config, sourceFeeds(sources, vector)), candidates, limits),
    )
  }

  /** Returns what the head of an encoder says of each row of a batch. */
  async answers(batch: Batch, vector?: Float32Array): Promise<number[][]> {
    const sizes = sizesOf(batch)
    const capture: typeof captureDecoding = (library, blueprint, options) =>
      captureAnswers(library, blueprint, batch, options)
    const graph = this.#graph(`answers_${sizes}`, capture)
    const feeds = { ...batchFeeds(batch, batch.objective.asks), ...vectorFeed(vector) }
    const own = Object.entries(feeds).map(([name, values]) => [`${graph.prefix}/${name}`, values])
    const [values] = await this.#options.graphs.with(graph, () =>
      this.#session.floats({ feeds: Object.fromEntries(own), fetches: [`${graph.prefix}/answers`] }),
    )
    const columns = values!.length / batch.size
    return Array.from({ length: batch.size }, (_, row) => [...values!.subarray(row * columns, (row + 1) * columns)])
  }

  #graph(kind: string, captured: typeof captureDecoding) {
    const { owner, precision } = this.#options
    return {
      prefix: owner + kind,
      what: { kind, owner, precision },
      capture: () => captured(this.#session.library, this.#blueprint, { owner, precision }),
    }
  }
}

/** `32x64x1`: rows and lengths, which tell one captured shape from another. */
export const sizesOf = ({ size, lengths }: BatchShape): string => [size, ...Object.values(lengths)].join('x')

const vectorFeed = (vector: Float32Array | undefined): Record<string, Values> =>
  vector ? { [`${STATE.vector}/read`]: { shape: [vector.length], data: vector } } : {}

const sourceFeeds = ({ size, lengths, inputs }: Sources, vector?: Float32Array): Record<string, Values> => ({
  [SOURCE_IDS]: { shape: [size, lengths.source], data: inputs.source },
  [ATTENTION_MASK]: { shape: [size, lengths.source], data: inputs.source_mask },
  ...vectorFeed(vector),
})
