import type { GraphFacts } from '../../run/manifest.js'
import { giveBackMemory } from '../graph/memory.js'
import type { Assignment, Session } from '../graph/session.js'
import { typeOf } from '../graph/tensor.js'
import type { Blueprint } from '../model/model.js'
import { cachedCapture } from './cache.js'
import type { Captured } from './capture.js'

/** A graph that belongs to a session. */
export interface OwnGraph {
  /** Its name in the session. */
  prefix: string
  /** Everything that it depends on besides the blueprint. */
  what: Record<string, unknown>
  capture: () => Captured
}

export interface LoadedGraphsOptions {
  /** The folder of captured graphs; by default in the user's cache. */
  graphs?: string | undefined
  /** Called for every graph that the session loads. */
  onGraph?: ((graph: GraphFacts) => void) | undefined
}

/** The captured graphs of a blueprint that a session has. */
export class LoadedGraphs {
  readonly #session: Session
  readonly #blueprint: Blueprint
  readonly #options: LoadedGraphsOptions
  /** The graphs in the session by their prefix, with the dropout places of the rows of their `dropout_keys`. */
  readonly #taken = new Map<string, string[]>()

  constructor(session: Session, blueprint: Blueprint, options: LoadedGraphsOptions = {}) {
    this.#session = session
    this.#blueprint = blueprint
    this.#options = options
  }

  /**
   * Calls `run` with the dropout places of the rows of a graph's `dropout_keys`, and loads the graph into the session
   * first if it is not there.
   */
  async with<T>({ prefix, what, capture }: OwnGraph, run: (places: string[]) => Promise<T>): Promise<T> {
    const known = this.#taken.get(prefix)
    if (known) return run(known)
    const { graphs, onGraph } = this.#options
    const started = performance.now()
    const { cached, ...captured } = cachedCapture(this.#blueprint, what, capture, { folder: graphs })
    await this.#take(captured, prefix)
    this.#taken.set(prefix, captured.dropoutPlaces)
    onGraph?.({ name: prefix, seconds: (performance.now() - started) / 1000, cached })
    const result = await run(captured.dropoutPlaces)
    giveBackMemory() // what TensorFlow needed to plan the graph
    return result
  }

  async #take({ definition, ...values }: Captured, prefix: string): Promise<void> {
    await this.#session.assignAll(this.#missing(values))
    this.#session.graph.import(definition, prefix)
  }

  /** Yields what the session lacks; values are made one at a time. */
  *#missing({ large, made }: Pick<Captured, 'large' | 'made'>): Generator<Assignment> {
    for (const [name, values] of large) if (!this.#session.has(name)) yield { name, values, as: typeOf(values.data) }
    for (const [name, { shape, dtype, make }] of made)
      if (!this.#session.has(name)) yield { name, values: { shape, data: make() }, as: dtype }
  }
}
