import tf from '../../tensor/tf.cjs'

/**
 * A recorded operation of tfjs, with the function that computes its gradient: from those of its outputs, by the names
 * of its inputs.
 */
interface TapeNode {
  gradient?: (dys: tf.Tensor[]) => Record<string, () => tf.Tensor>
}

/** The operations that tfjs will walk back for a gradient; null where no gradient is being taken. */
const tape = () => (tf.engine() as unknown as { state: { activeTape: TapeNode[] | null } }).state.activeTape

/**
 * Names a graph's operations by their part of the model and their type: `encoder.3.attention/Add_2`, and in its
 * gradient `gradient/encoder.3.attention/Sum_0`. Each part has its own counter, so a change in one part renames nothing
 * else.
 */
export class NodeNames {
  #part = ''
  #inGradient = false
  readonly #counts = new Map<string, number>()

  next(type: string): string {
    const name = `${this.#inGradient ? 'gradient/' : ''}${this.#part}${type}`
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    return `${name}_${count}`
  }

  /**
   * Names the operations of `body` by a part, and those that tfjs adds later for their gradient. The innermost part
   * counts.
   */
  at<T>(part: string, body: () => T): T {
    const before = tape()
    const from = before?.length ?? 0
    const result = this.#in(part, this.#inGradient, body)
    const after = tape()
    if (after && after === before) for (const node of after.slice(from)) this.#nameGradient(node, part)
    return result
  }

  /** tfjs computes the gradient for each input when it gets there. */
  #nameGradient(node: TapeNode, part: string): void {
    const { gradient } = node
    if (!gradient) return
    const named = <T>(body: () => T) => this.#in(part, true, body)
    node.gradient = (dys) => {
      const ofInputs = Object.entries(named(() => gradient(dys)))
      return Object.fromEntries(ofInputs.map(([input, compute]) => [input, () => named(compute)]))
    }
  }

  #in<T>(part: string, inGradient: boolean, body: () => T): T {
    const [outer, outerGradient] = [this.#part, this.#inGradient]
    this.#part = `${part}/`
    this.#inGradient = inGradient
    try {
      return body()
    } finally {
      this.#part = outer
      this.#inGradient = outerGradient
    }
  }
}
