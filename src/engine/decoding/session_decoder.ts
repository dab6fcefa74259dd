import { withDecoder } from '../../backbone/registry.js'
import type { LoadedGraphs } from '../capture/loaded_graphs.js'
import { STATE } from '../capture/variables.js'
import type { Session } from '../graph/session.js'
import type { Values } from '../graph/tensor.js'
import type { Sources } from '../model/generate.js'
import type { Blueprint } from '../model/model.js'
import { captureDecoding } from './captured.js'
import { ATTENTION_MASK, MAX_LENGTH, OUTPUT_IDS, SOURCE_IDS } from './decoding_graph.js'
import { outputsOf } from './outputs.js'

const DECODING = 'decoding'

/**
 * Decodes in a session that has the model's variables; `owner` is in front of the names of those that belong to one run
 * among several. By default it uses the trained vector in the session; a `vector` is used instead of it.
 */
export class SessionDecoder {
  readonly #session: Session
  readonly #blueprint: Blueprint
  readonly #graphs: LoadedGraphs
  readonly #owner: string

  constructor(session: Session, blueprint: Blueprint, graphs: LoadedGraphs, owner = '') {
    this.#session = session
    this.#blueprint = blueprint
    this.#graphs = graphs
    this.#owner = owner
  }

  /** Decodes greedily: up to `maxLength` token ids per row, ended by </s>, which is left out. */
  async generate(sources: Sources, maxLength: number, vector?: Float32Array): Promise<number[][]> {
    const owner = this.#owner
    const graph = {
      prefix: owner + DECODING,
      what: { kind: DECODING, owner },
      capture: () => captureDecoding(this.#session.library, this.#blueprint, owner),
    }
    const own = (feeds: Record<string, Values>) =>
      Object.fromEntries(Object.entries(feeds).map(([name, values]) => [`${graph.prefix}/${name}`, values]))
    const [ids] = await this.#graphs.with(graph, () =>
      this.#session.integers({
        feeds: own({
          ...sourceFeeds(sources),
          [MAX_LENGTH]: { shape: [], data: Int32Array.of(maxLength) },
          ...vectorFeed(vector),
        }),
        fetches: [`${graph.prefix}/${OUTPUT_IDS}`],
      }),
    )
    return outputsOf(ids!, sources.size, withDecoder(this.#blueprint.config).eosId)
  }
}

const sourceFeeds = ({ size, lengths, inputs }: Sources): Record<string, Values> => ({
  [SOURCE_IDS]: { shape: [size, lengths.source], data: inputs.source },
  [ATTENTION_MASK]: { shape: [size, lengths.source], data: inputs.source_mask },
})

const vectorFeed = (vector: Float32Array | undefined): Record<string, Values> =>
  vector ? { [`${STATE.vector}/read`]: { shape: [vector.length], data: vector } } : {}
