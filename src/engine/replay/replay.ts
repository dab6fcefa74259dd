import type { Batch, BatchShape } from '../../task/tokens/batches.js'
import { dropoutKey } from '../../tensor/dropout.js'
import { batchFeeds } from '../capture/capture.js'
import { LoadedGraphs, type LoadedGraphsOptions, type OwnGraph } from '../capture/loaded_graphs.js'
import {
  captureGradient,
  captureLoss,
  captureStep,
  captureUpdate,
  FIRST_ROW,
  type StepGraphOptions,
} from '../capture/step.js'
import { numberFeeds } from '../capture/update.js'
import { frozenVariables, STATE } from '../capture/variables.js'
import { type SessionConfig, sessionConfig } from '../graph/config.js'
import type { Library } from '../graph/library.js'
import { type RunSpec, Session } from '../graph/session.js'
import { runningLibrary } from '../graph/start.js'
import type { Values } from '../graph/tensor.js'
import type { LossDecoder } from '../model/decoder.js'
import type { Sources } from '../model/generate.js'
import type { Blueprint, ReadTensor } from '../model/model.js'
import type { Gradient, Share } from '../model/share.js'
import type { StepResult } from '../model/step.js'
import { adam } from '../optimizer/adam.js'
import { type Kept, keptOf } from '../optimizer/optimizer.js'
import { SessionDecoder, sizesOf } from './session_decoder.js'
import { placeConstants, placeFrozen } from './session_weights.js'

export interface ReplayOptions extends Partial<StepGraphOptions>, LoadedGraphsOptions {
  /** The seed of the method's tensors that are not trained, and of dropout. */
  seed: number
  /** CPU threads that compute. */
  threads: number
  config?: Partial<SessionConfig>
}

/** A run of such a graph; names are without its prefix. */
interface OwnRun extends Pick<RunSpec, 'fetches' | 'targets' | 'trace'> {
  /** @param places the dropout places of the rows of the graph's `dropout_keys` */
  feeds: (places: string[]) => Record<string, Values>
  fetches: string[]
}

/**
 * Starts a replay with the library that `startDevice` has loaded, and puts its weights in place.
 * @throws Error where the C API can't be called: koffi or the library is missing.
 */
export async function startReplay(blueprint: Blueprint, read: ReadTensor, options: ReplayOptions): Promise<Replay> {
  const replay = new Replay(runningLibrary(), blueprint, read, options)
  try {
    await replay.load()
    return replay
  } catch (error) {
    replay.free()
    throw error
  }
}

/** A model in a session: its weights are variables there, and a graph is captured when its shape first occurs. */
export class Replay {
  readonly #library: Library
  readonly #blueprint: Blueprint
  readonly #read: ReadTensor
  readonly #options: StepGraphOptions & Pick<ReplayOptions, 'seed'>
  readonly #session: Session
  readonly #graphs: LoadedGraphs
  readonly #decoder: SessionDecoder
  /** The state's variables that `write` has set. */
  #kept: (keyof typeof STATE)[] = []

  constructor(
    library: Library,
    blueprint: Blueprint,
    read: ReadTensor,
    { threads, config, ...options }: ReplayOptions,
  ) {
    this.#read = read
    this.#library = library
    this.#blueprint = blueprint
    this.#options = {
      ...{ dropout: 0, labelSmoothing: 0, gradientClipNorm: 1, optimizer: adam, precision: 'float32' as const },
      checkpointActivations: false,
      ...options,
    }
    this.#session = new Session(library, { ...sessionConfig(threads), ...config })
    this.#graphs = new LoadedGraphs(this.#session, blueprint, options)
    this.#decoder = new SessionDecoder(this.#session, blueprint, { graphs: this.#graphs, read })
  }

  /** Puts a backbone's weights into variables. */
  async load(): Promise<void> {
    const { precision, seed } = this.#options
    await placeFrozen(this.#session, frozenVariables(this.#blueprint, precision), this.#read)
    await placeConstants(this.#session, this.#blueprint, { read: this.#read, seed })
  }

  /** Sets the trained vector and what the optimiser keeps. */
  async write(state: Kept<Float32Array>): Promise<void> {
    for (const [part, data] of keptOf(state)) {
      const shape = [data.length]
      await this.#session.assign(STATE[part], { shape, data }, 'float32')
      if (!this.#kept.includes(part)) this.#session.addRead(STATE[part], shape)
    }
    this.#kept = keptOf(state).map(([part]) => part)
  }

  /** Returns the current trained vector and what the optimiser keeps. */
  async read(): Promise<Kept<Float32Array>> {
    const values = await this.#session.floats({ fetches: this.#kept.map((part) => `read/${STATE[part]}`) })
    return Object.fromEntries(this.#kept.map((part, i) => [part, values[i]!])) as unknown as Kept<Float32Array>
  }

  /** Takes one training step; `step` counts from 0. Where loss or gradient is not a number the state is unchanged. */
  async step(batch: Batch, step: number, learningRate: number, trace?: RunSpec['trace']): Promise<StepResult> {
    const { gradientClipNorm, optimizer } = this.#options
    const graph = {
      prefix: `step_${sizesOf(batch)}`,
      what: { kind: 'step', ...this.#gradientOf(batch), gradientClipNorm, optimizer: optimizer.name },
      capture: () => captureStep(this.#library, this.#blueprint, batch, this.#options),
    }
    const [loss, norm] = await this.#run(graph, {
      feeds: (places) => ({
        ...batchFeeds(batch),
        ...this.#dropoutKeys(places, step),
        ...numberFeeds(optimizer, learningRate, step),
      }),
      fetches: ['loss', 'gradient_norm'],
      targets: ['update'],
      ...(trace && { trace }),
    })
    return { loss: loss![0]!, gradientNorm: norm![0]! }
  }

  /** Returns the gradient that `step` would update with, for a batch or a part of one; the state is unchanged. */
  async gradient({ batch, first = 0 }: Share, step: number): Promise<Gradient> {
    const graph = {
      prefix: `gradient_${sizesOf(batch)}`,
      what: { kind: 'gradient', ...this.#gradientOf(batch) },
      capture: () => captureGradient(this.#library, this.#blueprint, batch, this.#options),
    }
    const [loss, values] = await this.#run(graph, {
      feeds: (places) => ({
        ...batchFeeds(batch),
        ...this.#dropoutKeys(places, step),
        ...(places.length > 0 && { [FIRST_ROW]: { shape: [], data: Int32Array.of(first) } }),
      }),
      fetches: ['loss', 'gradient'],
    })
    return { loss: loss![0]!, values: values! }
  }

  /**
   * Returns what decodes with the trained vector, or with another; frozen matrices are float32. It takes their memory
   * beside rounded ones until it is disposed, and that of the weights that a method makes.
   */
  async decoder(vector?: Float32Array): Promise<LossDecoder> {
    await this.#decoder.ready(vector)
    return {
      padId: this.#blueprint.config.padId,
      generate: (sources, maxLength) => this.generate(sources, maxLength, vector),
      rank: (sources, candidates) => this.#decoder.rank(sources, candidates, { vector }),
      answers: (batch) => this.answers(batch, vector),
      loss: (batch) => this.loss(batch, vector),
      dispose: () => this.#decoder.done(),
    }
  }

  /** Returns the loss of a batch without dropout, as `generate` decodes. */
  async loss(batch: Batch, vector?: Float32Array): Promise<number> {
    const { size, lengths } = batch
    const graph = {
      prefix: `loss_${sizesOf(batch)}`,
      what: { kind: 'loss', size, lengths },
      capture: () => captureLoss(this.#library, this.#blueprint, batch),
    }
    const given = vector && { [`${STATE.vector}/read`]: { shape: [vector.length], data: vector } }
    const [loss] = await this.#run(graph, { feeds: () => ({ ...batchFeeds(batch), ...given }), fetches: ['loss'] })
    return loss![0]!
  }

  /**
   * Does the rest of a step: clips the gradient and updates the state with it, unless it or the loss is not a number.
   */
  async update({ loss, values }: Gradient, step: number, learningRate: number): Promise<StepResult> {
    const { gradientClipNorm, optimizer } = this.#options
    const graph = {
      prefix: 'update',
      what: { kind: 'update', gradientClipNorm, optimizer: optimizer.name },
      capture: () => captureUpdate(this.#library, this.#blueprint, this.#options),
    }
    const [norm] = await this.#run(graph, {
      feeds: () => ({
        gradient: { shape: [values.length], data: values },
        loss: { shape: [], data: Float32Array.of(loss) },
        ...numberFeeds(optimizer, learningRate, step),
      }),
      fetches: ['gradient_norm'],
      targets: ['update'],
    })
    return { loss, gradientNorm: norm![0]! }
  }

  /** Returns everything that the gradient's part of a graph depends on. */
  #gradientOf({ size, lengths }: BatchShape) {
    const { dropout, labelSmoothing, precision, checkpointActivations } = this.#options
    return { size, lengths, dropout, labelSmoothing, precision, checkpointActivations }
  }

  #dropoutKeys(places: string[], step: number): Record<string, Values> {
    if (places.length === 0) return {}
    const keys = Int32Array.from(places.flatMap((place) => dropoutKey(this.#options.seed, step, place)))
    return { dropout_keys: { shape: [places.length, 2], data: keys } }
  }

  /** Runs a graph by the names in it, and captures it first if the session does not have it. */
  #run(graph: OwnGraph, { feeds, fetches, targets = [], trace }: OwnRun) {
    const own = (name: string) => `${graph.prefix}/${name}`
    return this.#graphs.with(graph, (places) =>
      this.#session.floats({
        feeds: Object.fromEntries(Object.entries(feeds(places)).map(([name, values]) => [own(name), values])),
        fetches: fetches.map(own),
        targets: targets.map(own),
        ...(trace && { trace }),
      }),
    )
  }

  /** Decodes greedily, with the trained vector or with another; where that needs a `decoder`, while there is one. */
  generate(sources: Sources, maxLength: number, vector?: Float32Array): Promise<number[][]> {
    return this.#decoder.generate(sources, maxLength, vector)
  }

  /** What the head of an encoder says of each row; see SessionDecoder. */
  answers(batch: Batch, vector?: Float32Array): Promise<number[][]> {
    return this.#decoder.answers(batch, vector)
  }

  free(): void {
    this.#session.free()
  }
}
