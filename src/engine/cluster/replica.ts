import type { ParameterSpec } from '../../method/method.js'
import { startValues } from '../../method/start.js'
import { elements } from '../../safetensors.js'
import { batchFeeds } from '../capture/capture.js'
import { captureGradient, PART_ROWS, type StepGraphOptions } from '../capture/step.js'
import { frozenVariables } from '../capture/variables.js'
import { dropoutKey } from '../dropout.js'
import type { Blueprint } from '../model.js'
import type { Session } from '../replay/session.js'
import type { Share } from './split.js'

export interface ReplicaOptions extends Omit<StepGraphOptions, 'gradientClipNorm'> {
  /** Of the method's tensors that are not trained, and of dropout. */
  seed: number
  /** Sets its graphs apart from those of other replicas in the session. */
  name: string
}

/** Reads one tensor of the backbone from wherever it is. */
export type FetchTensor = (name: string) => Promise<Float32Array> | Float32Array

/** What gives a worker's share of a step: the model in a session. The trained vector comes with each share. */
export class Replica {
  readonly #blueprint: Blueprint
  readonly #options: ReplicaOptions
  readonly #session: Session
  readonly #captured = new Map<string, string[]>()

  constructor(session: Session, blueprint: Blueprint, options: ReplicaOptions) {
    this.#session = session
    this.#blueprint = blueprint
    this.#options = options
  }

  /** How many values the trained vector has. */
  get size(): number {
    return this.#blueprint.layout.size
  }

  /** Fills the variables that the session does not have. */
  async load(fetch: FetchTensor): Promise<void> {
    const { method, options, config } = this.#blueprint
    for (const { name, tensor, shape, type } of frozenVariables(this.#blueprint, this.#options.precision)) {
      if (this.#session.has(name)) continue
      await this.#session.assign(name, { shape, data: (await fetch(tensor)).subarray(0, elements(shape)) }, type)
    }
    for (const spec of method.constants?.(options, config) ?? []) {
      const data = await this.#constant(spec, fetch)
      await this.#session.assign(`constant/${spec.name}`, { shape: spec.shape, data }, 'float32')
    }
  }

  async #constant(spec: ParameterSpec, fetch: FetchTensor): Promise<Float32Array> {
    const { start } = spec
    const of = start.kind === 'backbone' ? spec.name : start.kind === 'first_rows' ? start.of : undefined
    const tensor = of === undefined ? undefined : await fetch(of)
    return startValues(spec, this.#options.seed, () => tensor!)
  }

  /** Mean loss a target token of the share, and its gradient [size], at that vector; `step` counts from 0. */
  async gradient(vector: Float32Array, { batch, part }: Pick<Share, 'batch' | 'part'>, step: number) {
    const shape = `${batch.size}x${batch.sourceLength}x${batch.targetLength}`
    const prefix = `${this.#options.name}/gradient_${shape}_of_${part.of}`
    const places = await this.#prepare(prefix, { batch, part })
    const keys = Int32Array.from(places.flatMap((place) => dropoutKey(this.#options.seed, step, place)))
    const feeds = {
      ...batchFeeds(batch),
      'trained/read': { shape: [vector.length], data: vector },
      ...(places.length > 0 && {
        dropout_keys: { shape: [places.length, 2], data: keys },
        [PART_ROWS]: { shape: [part.size], data: Int32Array.from({ length: part.size }, (_, i) => part.from + i) },
      }),
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
    const captured = captureGradient(this.#session.library, this.#blueprint, { ...batch, of: part.of }, this.#options)
    for (const [name, values] of captured.large) {
      if (this.#session.has(name)) continue
      await this.#session.assign(name, values, values.data instanceof Int32Array ? 'int32' : 'float32')
    }
    this.#session.graph.import(captured.definition, prefix)
    this.#captured.set(prefix, captured.dropoutPlaces)
    return captured.dropoutPlaces
  }
}
