import type { Precision } from '../../base/choices.js'
import type { OpAttribute } from '../../tensor/binding.js'
import type { Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { TYPES } from '../graph/tensor.js'
import type { NodeNames } from './node_names.js'

/** Operations that move numbers and change none: they keep the type of their first input. */
const MOVES = new Set(['Reshape', 'Transpose'])

/**
 * The matrix products of a graph. In bfloat16 their operands are rounded, and their results stay bfloat16 until an
 * operation other than a product or a move uses them: that operation gets float32.
 */
export class Products {
  readonly #graph: Graph
  readonly #precision: Precision
  readonly #names: NodeNames
  readonly #made = new Map<number, WeakMap<Output, Output>>([
    [TYPES.float32, new WeakMap()],
    [TYPES.bfloat16, new WeakMap()],
  ])

  constructor(graph: Graph, precision: Precision, names: NodeNames) {
    this.#graph = graph
    this.#precision = precision
    this.#names = names
  }

  /** Returns a·b of a BatchMatMulV2 with these attributes. */
  output(inputs: Output[], attributes: OpAttribute[]): Output {
    const transposed = (name: string) => attributes.find((attribute) => attribute.name === name)?.value === true
    const [a, b] = inputs as [Output, Output]
    const [adjX, adjY] = [transposed('adj_x'), transposed('adj_y')]
    return this.#product(a, b, { adj_x: { bool: adjX }, adj_y: { bool: adjY } })
  }

  #product(a: Output, b: Output, flags: Record<string, { bool: boolean }>): Output {
    const type = TYPES[this.#precision]
    const name = this.#names.next('BatchMatMulV2')
    const operands = [this.#cast(a, type), this.#cast(b, type)]
    return this.#graph.output({ type: 'BatchMatMulV2', name, inputs: operands, attributes: { T: { type }, ...flags } })
  }

  /** Returns the inputs that an operation gets: bfloat16 ones as float32, unless it only moves numbers. */
  inputsOf(type: string, inputs: Output[]): Output[] {
    return MOVES.has(type) ? inputs : inputs.map((input) => this.float32(input))
  }

  /** Returns x as float32. */
  float32(x: Output): Output {
    return this.#graph.typeOf(x) === TYPES.bfloat16 ? this.#cast(x, TYPES.float32) : x
  }

  #cast(x: Output, to: number): Output {
    const from = this.#graph.typeOf(x)
    if (from === to) return x
    const made = this.#made.get(to)!
    const known = made.get(x)
    if (known) return known
    const attributes = { SrcT: { type: from }, DstT: { type: to } }
    const cast = this.#graph.output({
      type: 'Cast',
      name: this.#names.next('Cast'),
      inputs: [x],
      attributes,
    })
    made.set(x, cast)
    return cast
  }
}
