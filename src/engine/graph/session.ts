import { configProto, type SessionConfig } from './config.js'
import { bufferBytes, Graph } from './graph.js'
import type { Library, Output, Pointer } from './library.js'
import { type KernelTime, kernelTimes, TRACED_RUN } from './profile.js'
import { check, checked } from './status.js'
import { type Dtype, newTensor, TYPES, tensorValues, typeOf, type Values } from './tensor.js'

export interface RunSpec {
  /** Values by the name of their placeholder. */
  feeds?: Record<string, Values | Pointer>
  /** Names of operations whose first output is wanted. */
  fetches?: string[]
  /** Names of operations to run for their effect. */
  targets?: string[]
  /** Receives the time of every kernel; setting it turns tracing on. */
  trace?: (kernels: KernelTime[]) => void
}

/** Values for a variable. */
export interface Assignment {
  name: string
  values: Values
  /** The variable's type; bfloat16 rounds the values. */
  as: Dtype
}

/** The bytes from which a run fills no more variables: they exist twice while it does. */
const ASSIGNED_BYTES = 16 * 2 ** 20

/** A native tensor is an object or, as koffi returns what was fetched, a number. */
const isValues = (feed: Values | Pointer): feed is Values => typeof feed === 'object' && 'data' in feed

/**
 * A session of libtensorflow on a graph that may grow. Its variables live as long as the session; `free` frees
 * everything.
 */
export class Session {
  readonly library: Library
  readonly graph: Graph
  readonly #session: Pointer
  /** The names of variables that `assign` and `drop` have operations for. */
  readonly #added = new Set<string>()
  readonly #filled = new Set<string>()

  constructor(library: Library, config: SessionConfig) {
    this.library = library
    this.graph = new Graph(library)
    const proto = configProto(config)
    const options = library.NewSessionOptions!() as Pointer
    try {
      checked(library, 'to take session options', (status) => library.SetConfig!(options, proto, proto.length, status))
      this.#session = checked(
        library,
        'to start a session',
        (status) => library.NewSession!(this.graph.handle, options, status) as Pointer,
      )
    } finally {
      library.DeleteSessionOptions!(options)
    }
  }

  /** Fills a variable; `as` bfloat16 rounds the values. */
  async assign(name: string, values: Values, as: Dtype): Promise<void> {
    await this.#assignTogether([{ name, values, as }])
  }

  /**
   * Fills variables, several in a run, since TensorFlow plans each run anew on all of the graph. Values are asked for
   * shortly before they are needed.
   */
  async assignAll(assignments: Iterable<Assignment>): Promise<void> {
    let group: Assignment[] = []
    for (const assignment of assignments) {
      group.push(assignment)
      if (group.reduce((sum, { values }) => sum + values.data.byteLength, 0) < ASSIGNED_BYTES) continue
      await this.#assignTogether(group)
      group = []
    }
    if (group.length > 0) await this.#assignTogether(group)
  }

  async #assignTogether(assignments: Assignment[]): Promise<void> {
    for (const { name, values, as } of assignments) {
      if (this.#added.has(name)) continue
      this.#added.add(name)
      addAssignment(this.graph, name, values, as)
    }
    const feeds = assignments.map(({ name, values }) => [`assign/${name}/value`, values])
    const targets = assignments.map(({ name }) => `assign/${name}`)
    this.release(await this.run({ feeds: Object.fromEntries(feeds), targets }))
    for (const { name } of assignments) this.#filled.add(name)
  }

  /** Frees the memory of variables, which can be filled again with values of the same shape. */
  async drop(names: string[]): Promise<void> {
    const filled = names.filter((name) => this.#filled.delete(name))
    if (filled.length > 0) await this.run({ targets: filled.map((name) => `drop/${name}`) })
  }

  /** Adds `read/NAME` for a variable of that shape. */
  addRead(name: string, shape: number[]): void {
    const handle = variable(this.graph, `read/${name}/handle`, name, TYPES.float32, shape)
    const attributes = { dtype: { type: TYPES.float32 } }
    this.graph.add({ type: 'ReadVariableOp', name: `read/${name}`, inputs: [handle], attributes })
  }

  /** Whether there is a filled variable of that name. */
  has(name: string): boolean {
    return this.#filled.has(name)
  }

  /**
   * Runs off the main thread. The caller has to `release` the fetched tensors.
   * @throws UserError naming operation and shape.
   */
  async run({ feeds = {}, fetches = [], targets = [], trace }: RunSpec): Promise<Pointer[]> {
    const { library, graph } = this
    const output = (name: string): Output => ({ oper: graph.find(name), index: 0 })
    const names = Object.keys(feeds)
    const own: Pointer[] = []
    const fed = Object.values(feeds).map((feed) => {
      if (!isValues(feed)) return feed
      const tensor = newTensor(library, feed)
      own.push(tensor)
      return tensor
    })
    const status = library.NewStatus!() as Pointer
    const fetched: (Pointer | null)[] = fetches.map(() => null)
    const options = trace && (library.NewBufferFromString!(TRACED_RUN, TRACED_RUN.length) as Pointer)
    const metadata = trace && (library.NewBuffer!() as Pointer)
    try {
      await new Promise<void>((resolve, reject) =>
        library.SessionRun!.async(
          this.#session,
          options ?? null,
          names.map(output),
          fed,
          fed.length,
          fetches.map(output),
          fetched,
          fetched.length,
          targets.map((name) => graph.find(name)),
          targets.length,
          metadata ?? null,
          status,
          (error: unknown) => (error ? reject(error) : resolve()),
        ),
      )
      check(library, status, 'in a run', (name) => graph.describe(name))
      if (metadata) trace?.(kernelTimes(bufferBytes(library, metadata)))
      return fetched as Pointer[]
    } finally {
      this.release(own)
      for (const buffer of [options, metadata]) if (buffer) library.DeleteBuffer!(buffer)
      library.DeleteStatus!(status)
    }
  }

  /** Runs, returns the fetched values and frees their tensors. */
  floats(spec: RunSpec): Promise<Float32Array[]> {
    return this.#values(spec, Float32Array)
  }

  /** As `floats`, for int32 tensors. */
  integers(spec: RunSpec): Promise<Int32Array[]> {
    return this.#values(spec, Int32Array)
  }

  async #values<T extends Float32Array | Int32Array>(spec: RunSpec, as: new (length: number) => T): Promise<T[]> {
    const tensors = await this.run(spec)
    const values = tensors.map((tensor) => tensorValues(this.library, tensor, as))
    this.release(tensors)
    return values
  }

  release(tensors: Pointer[]): void {
    for (const tensor of tensors) this.library.DeleteTensor!(tensor)
  }

  free(): void {
    const { library } = this
    checked(library, 'to close a session', (status) => library.CloseSession!(this.#session, status))
    checked(library, 'to free a session', (status) => library.DeleteSession!(this.#session, status))
    this.graph.free()
  }
}

/** Adds `assign/NAME`, which fills the variable with what is fed as `assign/NAME/value`, and `drop/NAME`. */
function addAssignment(graph: Graph, name: string, { shape, data }: Values, as: Dtype): void {
  const at = (part: string) => `assign/${name}/${part}`
  const type = TYPES[typeOf(data)]
  const attributes = { dtype: { type }, shape: { shape } }
  const fed = graph.output({ type: 'Placeholder', name: at('value'), attributes })
  const casting = { SrcT: { type }, DstT: { type: TYPES[as] } }
  const value =
    TYPES[as] === type ? fed : graph.output({ type: 'Cast', name: at('cast'), inputs: [fed], attributes: casting })
  const handle = variable(graph, at('handle'), name, TYPES[as], shape)
  const dtype = { type: TYPES[as] }
  graph.add({ type: 'AssignVariableOp', name: `assign/${name}`, inputs: [handle, value], attributes: { dtype } })
  graph.add({ type: 'DestroyResourceOp', name: `drop/${name}`, inputs: [handle] })
}

/** Returns a handle on the variable of that shared name; all handles of the name in a session are the same variable. */
export const variable = (graph: Graph, name: string, sharedName: string, type: number, shape: number[]): Output =>
  graph.output({
    type: 'VarHandleOp',
    name,
    attributes: { dtype: { type }, shape: { shape }, shared_name: { string: sharedName }, container: { string: '' } },
  })
