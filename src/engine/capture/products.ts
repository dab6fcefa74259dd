import type { Graph } from '../replay/graph.js'
import type { Output } from '../replay/library.js'
import { TYPES } from '../replay/tensor.js'
import type { OpAttribute } from '../tensorflow.js'
import type { Precision } from './variables.js'

/**
 * Matrix products of a graph. tfjs asks for a batched product always; one of matrices is written as a plain product.
 */
export class Products {
  readonly #graph: Graph
  readonly #precision: Precision
  #count = 0

  constructor(graph: Graph, precision: Precision) {
    this.#graph = graph
    this.#precision = precision
  }

  /** a·b of a BatchMatMulV2 with these attributes. */
  output(inputs: Output[], attributes: OpAttribute[]): Output {
    const transposed = (name: string) => attributes.find((attribute) => attribute.name === name)?.value === true
    const [a, b] = inputs as [Output, Output]
    const [adjX, adjY] = [transposed('adj_x'), transposed('adj_y')]
    const flat = [a, b].every((x) => this.#graph.shapeOf(x).length === 2)
    return flat
      ? this.#product('MatMul', a, b, { transpose_a: { bool: adjX }, transpose_b: { bool: adjY } })
      : this.#product('BatchMatMulV2', a, b, { adj_x: { bool: adjX }, adj_y: { bool: adjY } })
  }

  #product(type: string, a: Output, b: Output, flags: Record<string, { bool: boolean }>): Output {
    const bfloat16 = this.#precision === 'bfloat16'
    const operands = bfloat16 ? [this.#cast(a, TYPES.bfloat16), this.#cast(b, TYPES.bfloat16)] : [a, b]
    const name = `${type}_${this.#count++}_product`
    const attributes = { T: { type: bfloat16 ? TYPES.bfloat16 : TYPES.float32 }, ...flags }
    const product = this.#graph.output({ type, name, inputs: operands, attributes })
    return bfloat16 ? this.#cast(product, TYPES.float32) : product
  }

  #cast(x: Output, to: number): Output {
    const from = this.#graph.typeOf(x)
    if (from === to) return x
    const attributes = { SrcT: { type: from }, DstT: { type: to } }
    return this.#graph.output({ type: 'Cast', name: `Cast_${this.#count++}_product`, inputs: [x], attributes })
  }
}
