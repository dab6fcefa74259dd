import type { Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { type Dtype, TYPES } from '../graph/tensor.js'

/** The inputs that a graph declares. One of its operations has to read each of them. */
export class Inputs {
  readonly #graph: Graph
  readonly #declared: [name: string, output: Output][] = []

  constructor(graph: Graph) {
    this.#graph = graph
  }

  /** Adds a placeholder of that name; a size of −1 is free. */
  placeholder(name: string, type: Dtype, shape: number[]): Output {
    const attributes = { dtype: { type: TYPES[type] }, shape: { shape } }
    return this.declare(name, this.#graph.output({ type: 'Placeholder', name, attributes }))
  }

  /** Declares an output as an input of the operations after it; errors call it `name`. */
  declare(name: string, output: Output): Output {
    this.#declared.push([name, output])
    return output
  }

  /**
   * Checks that each input is read: otherwise the graph would give the same result whatever is fed.
   * @throws Error naming the inputs that no operation reads
   */
  checkRead(): void {
    const unread = this.#declared.filter(([, output]) => this.#graph.consumersOf(output) === 0).map(([name]) => name)
    if (unread.length === 0) return
    throw new Error(
      `a captured graph never reads its input ${unread.join(', ')}: what is fed would change nothing. Its array ` +
        'was copied before a tensor was made of it, or it is not needed.',
    )
  }
}
