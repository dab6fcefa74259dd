import type { Graph } from '../replay/graph.js'
import type { Output } from '../replay/library.js'
import { TYPES } from '../replay/tensor.js'
import type { OpAttribute } from '../tensorflow.js'
import type { Precision } from './variables.js'

/** Matrix products of a graph: in bfloat16 their operands are rounded, and what comes of them is float32 again. */
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
    return this.#product(a, b, { adj_x: { bool: adjX }, adj_y: { bool: adjY } })
  }

  #product(a: Output, b: Output, flags: Record<string, { bool: boolean }>): Output {
    const bfloat16 = this.#precision === 'bfloat16'
    const operands = bfloat16 ? [this.#cast(a, TYPES.bfloat16), this.#cast(b, TYPES.bfloat16)] : [a, b]
    const name = `BatchMatMulV2_${this.#count++}_product`
    const attributes = { T: { type: bfloat16 ? TYPES.bfloat16 : TYPES.float32 }, ...flags }
    const product = this.#graph.output({ type: 'BatchMatMulV2', name, inputs: operands, attributes })
    return bfloat16 ? this.#cast(product, TYPES.float32) : product
  }

  /** x, or what it is in float32 where it is kept in bfloat16. */
  float32(x: Output): Output {
    return this.#graph.typeOf(x) === TYPES.bfloat16 ? this.#cast(x, TYPES.float32) : x
  }

  #cast(x: Output, to: number): Output {
    const from = this.#graph.typeOf(x)
    if (from === to) return x
    const attributes = { SrcT: { type: from }, DstT: { type: to } }
    return this.#graph.output({ type: 'Cast', name: `Cast_${this.#count++}_product`, inputs: [x], attributes })
  }
}
