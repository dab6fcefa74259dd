import { startValues } from '../../method/start.js'
import { elements } from '../../safetensors.js'
import type { Batch } from '../../task/batches.js'
import type { Captured } from '../capture/capture.js'
import { type BatchShape, captureStep, type StepGraphOptions } from '../capture/step.js'
import { constantVariables, frozenVariables, STATE } from '../capture/variables.js'
import { dropoutKey } from '../dropout.js'
import type { Blueprint, ReadTensor } from '../model.js'
import { fusedAdam } from '../optimizer.js'
import type { StepResult } from '../step.js'
import { configProto, type SessionConfig } from './config.js'
import type { Library } from './library.js'
import { type RunSpec, Session } from './session.js'

export interface ReplayOptions extends StepGraphOptions {
  seed: number
  config: SessionConfig
}

/** Values of the trained vector and of Adam's moments, each [size]. */
export interface StateValues {
  vector: Float32Array
  first: Float32Array
  second: Float32Array
}

const PARTS = ['vector', 'first', 'second'] as const

/** A model in a session: its weights are variables there, and graphs are captured when a shape is first met. */
export class Replay {
  readonly #library: Library
  readonly #blueprint: Blueprint
  readonly #options: ReplayOptions
  readonly #session: Session
  readonly #steps = new Map<string, string[]>()

  private constructor(library: Library, blueprint: Blueprint, options: ReplayOptions) {
    this.#library = library
    this.#blueprint = blueprint
    this.#options = options
    this.#session = new Session(library, configProto(options.config))
  }

  /** Puts a backbone's weights into the variables of a new session. */
  static async start(
    library: Library,
    blueprint: Blueprint,
    read: ReadTensor,
    options: ReplayOptions,
  ): Promise<Replay> {
    const replay = new Replay(library, blueprint, options)
    for (const { name, tensor, shape, type } of frozenVariables(blueprint, options.precision))
      await replay.#session.assign(name, { shape, data: read(tensor).subarray(0, elements(shape)) }, type)
    const specs = blueprint.method.constants?.(blueprint.options, blueprint.config) ?? []
    for (const [index, { name, shape, type }] of constantVariables(blueprint).entries())
      await replay.#session.assign(name, { shape, data: startValues(specs[index]!, options.seed, read) }, type)
    return replay
  }

  /** Sets the trained vector and the moments. */
  async write(state: StateValues): Promise<void> {
    const shape = [this.#blueprint.layout.size]
    for (const part of PARTS) await this.#session.assign(STATE[part], { shape, data: state[part] }, 'float32')
    if (!this.#steps.has('read')) {
      this.#session.addReads(Object.values(STATE), shape)
      this.#steps.set('read', [])
    }
  }

  /** The trained vector and the moments as they are now. */
  async read(): Promise<StateValues> {
    const [vector, first, second] = await this.#session.floats({ fetches: PARTS.map((part) => `read/${STATE[part]}`) })
    return { vector: vector!, first: first!, second: second! }
  }

  /** One training step; `step` counts from 0. Where loss or gradient is no number the state stays as it was. */
  async step(batch: Batch, step: number, learningRate: number, trace?: RunSpec['trace']): Promise<StepResult> {
    const { seed } = this.#options
    const places = await this.#prepare(batch)
    const prefix = prefixOf(batch)
    const { rate, epsilon } = fusedAdam(learningRate, step + 1)
    const keys = Int32Array.from(places.flatMap((place) => dropoutKey(seed, step, place)))
    const feeds = {
      source: { shape: [batch.size, batch.sourceLength], data: batch.sourceIds },
      target: { shape: [batch.size, batch.targetLength], data: batch.targetIds },
      rate: { shape: [], data: Float32Array.of(rate) },
      epsilon: { shape: [], data: Float32Array.of(epsilon) },
      ...(places.length > 0 && { dropout_keys: { shape: [places.length, 2], data: keys } }),
    }
    const [loss, norm] = await this.#session.floats({
      feeds: Object.fromEntries(Object.entries(feeds).map(([name, values]) => [`${prefix}/${name}`, values])),
      fetches: [`${prefix}/loss`, `${prefix}/gradient_norm`],
      targets: [`${prefix}/update`],
      ...(trace && { trace }),
    })
    return { loss: loss![0]!, gradientNorm: norm![0]! }
  }

  async #prepare(shape: BatchShape): Promise<string[]> {
    const prefix = prefixOf(shape)
    const known = this.#steps.get(prefix)
    if (known) return known
    const captured = captureStep(this.#library, this.#blueprint, shape, this.#options)
    await this.#take(captured, prefix)
    this.#steps.set(prefix, captured.dropoutPlaces)
    return captured.dropoutPlaces
  }

  async #take({ definition, large }: Captured, prefix: string): Promise<void> {
    for (const [name, values] of large) {
      if (this.#session.has(name)) continue
      await this.#session.assign(name, values, values.data instanceof Int32Array ? 'int32' : 'float32')
    }
    this.#session.graph.import(definition, prefix)
  }

  free(): void {
    this.#session.free()
  }
}

const prefixOf = ({ size, sourceLength, targetLength }: BatchShape): string =>
  `step_${size}x${sourceLength}x${targetLength}`
