import { createHash } from 'node:crypto'
import { constant, type Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { TYPES, type Values } from '../graph/tensor.js'

/** The number of elements from which a constant of one repeated value is written as that value. */
const REPEATED = 16
/** The bytes from which a constant is kept in a variable: a graph holds no weights. */
const LARGEST_CONSTANT = 2 ** 18

/** The constants of a graph: equal ones are shared, and a repeated value is written once. */
export class Constants {
  readonly #graph: Graph
  readonly #known = new Map<string, Output>()
  readonly #large: (values: Values) => Output
  #count = 0

  /** @param large returns what replaces a constant that is too large for a graph */
  constructor(graph: Graph, large: (values: Values) => Output) {
    this.#graph = graph
    this.#large = large
  }

  output(values: Values): Output {
    const { data } = values
    if (data.length >= REPEATED && data.every((value) => Object.is(value, data[0]))) return this.#repeated(values)
    if (data.byteLength > LARGEST_CONSTANT) return this.#large(values)
    return this.#once(`${kind(data)} ${values.shape} ${bytes(data)}`, (name) => constant(this.#graph, name, values))
  }

  #repeated({ shape, data }: Values): Output {
    return this.#once(`${kind(data)} ${shape} filled ${bytes(data.slice(0, 1))}`, (name) => {
      const dimensions = this.output({ shape: [shape.length], data: Int32Array.from(shape) })
      const value = this.output({ shape: [], data: data.slice(0, 1) })
      const type = data instanceof Int32Array ? TYPES.int32 : TYPES.float32
      const attributes = { T: { type }, index_type: { type: TYPES.int32 } }
      return this.#graph.output({ type: 'Fill', name, inputs: [dimensions, value], attributes })
    })
  }

  #once(key: string, make: (name: string) => Output): Output {
    const known = this.#known.get(key)
    if (known) return known
    const made = make(`constant_${this.#count++}`)
    this.#known.set(key, made)
    return made
  }
}

const kind = (data: Values['data']) => (data instanceof Int32Array ? 'int32' : 'float32')

const raw = (data: Values['data']) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)

const bytes = (data: Values['data']) => (data.length < 16 ? raw(data).toString('hex') : digest(data))

/** Identifies a constant by its content. */
export const digest = (data: Values['data']): string => createHash('sha1').update(raw(data)).digest('hex')
