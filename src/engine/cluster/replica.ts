import { startValues } from '../../method/start.js'
import { elements } from '../../safetensors.js'
import { captureGradient, type StepGraphOptions } from '../capture/step.js'
import { frozenVariables } from '../capture/variables.js'
import { dropoutKey } from '../dropout.js'
import type { Blueprint, ReadTensor } from '../model.js'
import { configProto } from '../replay/config.js'
import type { Library } from '../replay/library.js'
import { Session } from '../replay/session.js'
import type { Share } from './split.js'

export interface ReplicaOptions extends Pick<StepGraphOptions, 'dropout' | 'precision'> {
  /** Of the method's tensors that are not trained, and of dropout. */
  seed: number
}

/** The model on one worker: its frozen weights are variables there, sent once, the session's own. */
export class Replica {
  readonly address: string
  readonly #library: Library
  readonly #blueprint: Blueprint
  readonly #options: ReplicaOptions
  readonly #session: Session
  readonly #captured = new Map<string, string[]>()

  constructor(library: Library, address: string, blueprint: Blueprint, options: ReplicaOptions) {
    this.address = address
    this.#library = library
    this.#blueprint = blueprint
    this.#options = options
    const config = configProto({ intraThreads: 0, interThreads: 0, rewrites: false, jit: 0, isolated: true })
    this.#session = new Session(library, config, `grpc://${address}`)
  }

  /** Sends the weights. */
  async load(read: ReadTensor): Promise<void> {
    const { method, options, config } = this.#blueprint
    const { seed, precision } = this.#options
    for (const { name, tensor, shape, type } of frozenVariables(this.#blueprint, precision))
      await this.#session.assign(name, { shape, data: read(tensor).subarray(0, elements(shape)) }, type)
    for (const spec of method.constants?.(options, config) ?? []) {
      const data = startValues(spec, seed, read)
      await this.#session.assign(`constant/${spec.name}`, { shape: spec.shape, data }, 'float32')
    }
  }

  /** Mean loss a target token of the share, and its gradient [size], at that vector; `step` counts from 0. */
  async gradient(vector: Float32Array, { batch, part }: Share, step: number) {
    const prefix = `gradient_${batch.size}x${batch.sourceLength}x${batch.targetLength}_${part.from}_of_${part.of}`
    const places = await this.#prepare(prefix, { batch, part })
    const keys = Int32Array.from(places.flatMap((place) => dropoutKey(this.#options.seed, step, place)))
    const feeds = {
      source: { shape: [batch.size, batch.sourceLength], data: batch.sourceIds },
      target: { shape: [batch.size, batch.targetLength], data: batch.targetIds },
      'trained/read': { shape: [vector.length], data: vector },
      ...(places.length > 0 && { dropout_keys: { shape: [places.length, 2], data: keys } }),
    }
    const [loss, gradient] = await this.#session.floats({
      feeds: Object.fromEntries(Object.entries(feeds).map(([name, values]) => [`${prefix}/${name}`, values])),
      fetches: [`${prefix}/loss`, `${prefix}/gradient`],
    })
    return { loss: loss![0]!, gradient: gradient! }
  }

  async #prepare(prefix: string, { batch, part }: Pick<Share, 'batch' | 'part'>): Promise<string[]> {
    const known = this.#captured.get(prefix)
    if (known) return known
    const captured = captureGradient(this.#library, this.#blueprint, batch, { ...this.#options, part })
    for (const [name, values] of captured.large) {
      if (this.#session.has(name)) continue
      await this.#session.assign(name, values, values.data instanceof Int32Array ? 'int32' : 'float32')
    }
    this.#session.graph.import(captured.definition, prefix)
    this.#captured.set(prefix, captured.dropoutPlaces)
    return captured.dropoutPlaces
  }

  /** @throws UserError where the worker is gone. */
  free(): void {
    this.#session.free()
  }
}
