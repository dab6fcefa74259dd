import { locateBackbone } from '../../backbone/locate.js'
import { backbonePreset } from '../../backbone/preset.js'
import { type Backbone, openBackbone } from '../../backbone/weights.js'
import { blueprintOf } from '../model.js'
import { configProto } from '../replay/config.js'
import type { Library } from '../replay/library.js'
import { Session } from '../replay/session.js'
import { type FetchTensor, Replica } from './replica.js'
import type { Setup } from './setup.js'

/** Where a worker has its frozen weights from: a training before, its own cache, or the trainer. */
export type Origin = 'kept' | 'cache' | 'sent'

/** A worker's weights, which stay from one training to the next of the same backbone. */
export class Resident {
  readonly #library: Library
  readonly #threads: number
  #held: { key: string; session: Session } | undefined
  #replicas = 0

  constructor(library: Library, threads: number) {
    this.#library = library
    this.#threads = threads
  }

  /** A model ready for steps; `ask` gets a tensor from the trainer, and is used only where there is no other way. */
  async replica({ backbone, method, ...options }: Setup, ask: FetchTensor): Promise<[Replica, Origin]> {
    const blueprint = blueprintOf(backbone.config, method)
    const constants = blueprint.method.constants?.(method, backbone.config) ?? []
    // constants of one name and two shapes can't be in one session
    const key = JSON.stringify([backbone, options.precision, constants.length > 0 && method])
    const session = this.#session(key)
    const replica = new Replica(session, blueprint, { ...options, name: `training_${++this.#replicas}` })
    let origin: Origin = 'kept'
    let own: Backbone | undefined
    const fetch: FetchTensor = async (tensor) => {
      if (origin === 'kept') {
        own = await cached(backbone)
        origin = own ? 'cache' : 'sent'
      }
      return own ? own.read(tensor) : ask(tensor)
    }
    try {
      await replica.load(fetch)
      return [replica, origin]
    } catch (error) {
      this.free()
      throw error
    } finally {
      own?.close()
    }
  }

  #session(key: string): Session {
    if (this.#held?.key !== key) {
      this.free()
      const config = configProto({ intraThreads: this.#threads, interThreads: 1, rewrites: false, jit: 0 })
      this.#held = { key, session: new Session(this.#library, config) }
    }
    return this.#held!.session
  }

  free(): void {
    this.#held?.session.free()
    this.#held = undefined
  }
}

/** The backbone of that hash where it is a preset or the hub's cache has it; nothing is downloaded and no path is followed. */
async function cached({ name, sha256 }: Setup['backbone']): Promise<Backbone | undefined> {
  if (!backbonePreset(name) && !/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(name)) return undefined
  const before = process.env.HF_HUB_OFFLINE
  process.env.HF_HUB_OFFLINE = '1'
  try {
    const backbone = openBackbone(await locateBackbone(name))
    if (backbone.hash() === sha256) return backbone
    backbone.close()
  } catch {
    // It has none, or no whole one: the trainer sends it.
  } finally {
    if (before === undefined) delete process.env.HF_HUB_OFFLINE
    else process.env.HF_HUB_OFFLINE = before
  }
  return undefined
}
