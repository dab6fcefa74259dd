import type { Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { type Dtype, TYPES } from '../graph/tensor.js'

/** The inputs that a graph declares, each of which has to be read by one of its operations. */
export class Inputs {
  readonly #graph: Graph
  readonly #declared: [name: string, output: Output][] = []

  constructor(graph: Graph) {
    this.#graph = graph
  }

  /** A placeholder of that name; a size of −1 is free. */
  placeholder(name: string, type: Dtype, shape: number[]): Output {
    const attributes = { dtype: { type: TYPES[type] }, shape: { shape } }
    return this.declare(name, this.#graph.output({ type: 'Placeholder', name, attributes }))
  }

  /** Declares an output as an input of what follows it; `name` is what an error says. */
  declare(name: string, output: Output): Output {
    this.#declared.push([name, output])
    return output
  }

  /** @throws Error naming the inputs that no operation reads: the graph would give the same result whatever is fed. */
  checkRead(): void {
    const unread = this.#declared.filter(([, output]) => this.#graph.consumersOf(output) === 0).map(([name]) => name)
    if (unread.length === 0) return
    throw new Error(
      `a captured graph never reads its input ${unread.join(', ')}: what is fed would change nothing. Its array was copied before a tensor was made of it, or it is not needed.`,
    )
  }
}
